// The pictures https://images.example serves: eight by six pixels each.

/** @type {Record<string, { type: string, base64: string }>} */
export const SAMPLES = {
  "/cat.png": {
    type: "image/png",
    base64:
      "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAGCAIAAABxZ0isAAAAF3RFWHRDb21tZW50AEEgY2F0IG9uIGEgd2FsbDZH" +
      "JfEAAAAVSURBVHjaYzxRocGADTAx4AD0kAAA1NoBdJ5k1GsAAAAASUVORK5CYII=",
  },
  "/cat.jpg": {
    type: "image/jpeg",
    base64:
      "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP//////////////////////////////////////////////////////" +
      "////////////////////////////////wAALCAAGAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAA" +
      "AAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AP//Z",
  },
  "/cat.webp": {
    type: "image/webp",
    base64: "UklGRi4AAABXRUJQVlA4ICIAAABwAQCdASoIAAYADMDOJaACdAFAAADabLM4V19Blts8gAAA",
  },
  "/cat.gif": {
    type: "image/gif",
    base64: "R0lGODdhCAAGAIEAAMh4KAAAAAAAAAAAACwAAAAACAAGAAAIDgABCBxIsKDBgwgTDgwIADs=",
  },
};
