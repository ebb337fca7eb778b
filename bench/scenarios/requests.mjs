/** The parts that scenarios share. */

/** The leases of a phase end two seconds after its last request, and a second later its audit records move. */
export const leaseMilliseconds = 3_300;

/** The audit records of a phase move to D1 a second after its first one. */
export const auditMilliseconds = 1_300;

/** A chat request as the SDKs send it; `question` makes it distinct. */
export function chatRequest(model, question, { apiKey }, headers = {}) {
  return {
    path: "/v1/chat/completions",
    headers: {
      accept: "application/json",
      authorization: `Bearer ${apiKey}`,
      "user-agent": "OpenAI/JS 7.55.0",
      ...headers,
    },
    body: JSON.stringify({
      model,
      messages: [
        { role: "system", content: "You answer customers of a maker of home batteries." },
        { role: "user", content: question },
      ],
      max_tokens: 256,
      temperature: 0.2,
    }),
  };
}

export function question(number) {
  return `Customer ${number} asks: how long do I have to return a battery that I have not installed?`;
}

/** Says so where the gateway's cache did something else than `expected`. */
export function cacheStatusIs(expected) {
  return (headers) => {
    const status = headers["x-ai-cache-status"];
    return status === expected ? undefined : `x-ai-cache-status is ${status}, not ${expected}`;
  };
}
