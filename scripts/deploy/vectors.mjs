/** The Vectorize index and its metadata indexes, which wrangler does not provision by itself. */

import { Problem } from "../lib/process.mjs";
import { askJson, show, typed } from "./wrangler.mjs";

/** As wrangler.toml binds it. */
export const index = { name: "esclusa", dimensions: 1024, metric: "cosine" };

/** The fields of a vector's metadata: `VectorMetadata` in src/ports.rs. */
const properties = ["collection", "document"];

const list = ["vectorize", "list", "--json"];
const create = ["vectorize", "create", index.name]
  .concat(`--dimensions=${index.dimensions}`)
  .concat(`--metric=${index.metric}`);
const listMetadata = ["vectorize", "list-metadata-index", index.name, "--json"];

export const vectorIndex = {
  title: "Vectorize index",
  explain: () => [typed(list), `${typed(create)}   (where it is missing)`],
  run: ensureIndex,
};

/** Only vectors stored after a metadata index exists are found by it, so these come before any. */
export const metadataIndexes = {
  title: "Vectorize metadata indexes",
  explain: () => [
    typed(listMetadata),
    ...properties.map((property) => `${typed(createMetadata(property))}   (where it is missing)`),
  ],
  run: ensureMetadataIndexes,
};

async function ensureIndex() {
  /** @type {{ name: string, config: { dimensions: number, metric: string } }[]} */
  const indexes = await askJson(list);
  const existing = indexes.find(({ name }) => name === index.name);
  if (!existing) {
    await show(create);
    console.log(`  Created the index ${index.name}`);
    return;
  }
  const { dimensions, metric } = existing.config;
  if (dimensions !== index.dimensions || metric !== index.metric) {
    throw new Problem(unsuitable(dimensions, metric));
  }
  console.log(`  The index ${index.name} is there`);
}

/** @param {number} dimensions @param {string} metric */
function unsuitable(dimensions, metric) {
  return `The account has a Vectorize index \`${index.name}\` with ${dimensions} dimensions and the metric ${metric}.
Esclusa needs ${index.dimensions} and ${index.metric}, and an index cannot be changed. If nothing else uses it, delete it:
  npx wrangler vectorize delete ${index.name}
Its vectors are lost then: documents that Esclusa had stored must be uploaded again.`;
}

/** @param {string} property */
function createMetadata(property) {
  const options = [`--propertyName=${property}`, "--type=string"];
  return ["vectorize", "create-metadata-index", index.name, ...options];
}

async function ensureMetadataIndexes() {
  /** @type {{ propertyName: string, indexType: string }[]} */
  const existing = await askJson(listMetadata);
  for (const property of properties) {
    const found = existing.find(({ propertyName }) => propertyName === property);
    if (!found) {
      await show(createMetadata(property));
      console.log(`  Created the metadata index on ${property}`);
    } else if (found.indexType.toLowerCase() === "string") {
      console.log(`  The metadata index on ${property} is there`);
    } else {
      throw new Problem(wrongType(property, found.indexType));
    }
  }
}

/** @param {string} property @param {string} type */
function wrongType(property, type) {
  return `The metadata index on \`${property}\` is of type ${type}; Esclusa needs string. Delete it:
  npx wrangler vectorize delete-metadata-index ${index.name} --propertyName=${property}`;
}
