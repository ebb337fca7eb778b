// A prompt too long for its model, as each service says it.
import { badRequest, workersAiError } from "./errors.js";

/** @import { Model } from "./types.js" */

/**
 * @param {Model} model
 * @param {number} prompt tokens
 * @param {number} total with the output cap
 */
export function windowError({ errors, window }, prompt, total) {
  switch (errors) {
    case "workers_ai":
      return workersAiError(
        5021,
        `The estimated number of input and maximum output tokens (${total}) exceeded this model ` +
          `context window limit (${window}).`,
      );
    case "anthropic":
      return badRequest(`prompt is too long: ${total} tokens > ${window} maximum`);
    case "google":
      return badRequest(
        `The input token count (${total}) exceeds the maximum number of tokens allowed (${window}).`,
      );
    default:
      return badRequest(
        `This model's maximum context length is ${window} tokens. However, your messages ` +
          `resulted in ${prompt} tokens. Please reduce the length of the messages.`,
        "messages",
        "context_length_exceeded",
      );
  }
}
