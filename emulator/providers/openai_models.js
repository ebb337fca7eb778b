// OpenAI's models: what each does, and which of them think before they answer.
/** @import { Task } from "../types.js" */

/** @type {[RegExp, Task][]} */
const TASKS = [
  [/embed/u, "embeddings"],
  [/whisper|transcribe/u, "transcription"],
  [/^tts-|-tts$/u, "speech"],
  [/^dall-e-|^gpt-image-/u, "image"],
  [/moderation/u, "moderation"],
];

/** @param {string} name @returns {Task} */
export function openAiTask(name) {
  return TASKS.find(([pattern]) => pattern.test(name))?.[1] ?? "chat";
}

/** Whether the model thinks before it answers. @param {string} name */
export function isReasoner(name) {
  return /^(?:gpt-5|o\d)/u.test(name) && !name.startsWith("gpt-5-chat");
}
