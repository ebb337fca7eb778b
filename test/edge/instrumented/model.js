// Stands in for Workers AI where the emulator would be too slow: answers a chat after some time,
// whole or as a stream, so that many are under way at any moment.
import { WorkerEntrypoint } from "cloudflare:workers";

const words = ["You", " can", " return", " it", " within", " thirty", " days", "."];
const usage = { prompt_tokens: 20, completion_tokens: words.length, total_tokens: 28 };
const common = { id: "chatcmpl-1", created: 1_790_000_000, model: "mock" };

export default class Model extends WorkerEntrypoint {
  /**
   * `env.AI.run` with `returnRawResponse`.
   * @param {string} _model
   * @param {{ stream?: boolean }} inputs
   */
  async run(_model, inputs) {
    if (inputs.stream) {
      return new Response(stream(), { headers: { "content-type": "text/event-stream" } });
    }
    await pause();
    const message = { role: "assistant", content: words.join("") };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    return Response.json({ ...common, object: "chat.completion", choices, usage });
  }
}

function stream() {
  const { readable, writable } = new TransformStream();
  write(writable.getWriter());
  return readable;
}

/** @param {WritableStreamDefaultWriter} writer */
async function write(writer) {
  const encoder = new TextEncoder();
  const send = (/** @type {string} */ data) => writer.write(encoder.encode(`data: ${data}\n\n`));
  const chunk = (/** @type {object} */ part) =>
    send(JSON.stringify({ ...common, object: "chat.completion.chunk", ...part }));
  for (const content of words) {
    await chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
    await pause();
  }
  await chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
  await chunk({ choices: [], usage });
  await send("[DONE]");
  await writer.close();
}

/** Between 20 and 120 milliseconds. */
function pause() {
  return new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 100));
}
