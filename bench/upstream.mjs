/**
 * The upstream of the bare proxies: an HTTP server in a process of its own, so that its CPU counts
 * for nobody. Tells its parent the port.
 */

import { createServer } from "node:http";
import { completion } from "./workers/answer.js";

const headers = {
  "content-type": "application/json",
  "content-length": Buffer.byteLength(completion),
};

const server = createServer((request, response) => {
  request.resume();
  request.on("end", () => response.writeHead(200, headers).end(completion));
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.send(server.address().port));
process.on("disconnect", () => process.exit());
