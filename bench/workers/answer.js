// The one answer that every upstream of the benchmark gives.
export const completion = JSON.stringify({
  id: "chatcmpl-0123456789abcdef",
  object: "chat.completion",
  created: 1_790_000_000,
  model: "mock",
  choices: [
    {
      index: 0,
      message: {
        role: "assistant",
        content:
          "You can return a battery within thirty days of delivery, as long as it has not been " +
          "installed. Ask for a return number first, pack the battery in its original box and hand " +
          "it to the carrier that we send. The refund is made within ten working days of its arrival.",
      },
      finish_reason: "stop",
    },
  ],
  usage: { prompt_tokens: 42, completion_tokens: 61, total_tokens: 103 },
});
