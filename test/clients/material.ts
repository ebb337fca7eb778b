// Questions, tools, pictures and sounds that the tests of all clients share.
import { crc32, deflateSync } from "node:zlib";
import { type Gateway, startGateway } from "../edge/harness";
import { createOrg, unbroken } from "../edge/support";

/** A model of each provider, all of which every client is to reach. */
export const gpt = "openai/gpt-4o-mini";
export const claude = "anthropic/claude-sonnet-4-5";
export const gemini = "google/gemini-2.5-flash";

export const question = "Name a canal in Milan.";
export const depthQuestion = "What is the depth of the canal Naviglio?";
export const depth = "The canal Naviglio is 1.5 metres deep.";

/** A question that the emulated model answers with a feature: `reasoning`, `refusal` and so on. */
export const saying = (feature: string) => `${depthQuestion} [[emulator say=${feature}]]`;

/** A question at which the emulated provider fails: `status=500`, `cut=2` and so on. */
export const failing = (fault: string) => `${question} [[emulator ${fault}]]`;

export const depthSchema = {
  type: "object" as const,
  properties: { canal: { type: "string" } },
  required: ["canal"],
};
export const depthDescription = "The depth of a canal in metres";

/** The gateway's key of OpenAI, whose models other than of chat are reached over HTTPS only. */
export const openAiKey = { OPENAI_API_KEY: "local-openai-key" };

/** The gateway's keys of providers, with which it calls them over HTTPS and not over the AI binding. */
export const providerKeys = {
  ...openAiKey,
  ANTHROPIC_API_KEY: "local-anthropic-key",
  GOOGLE_API_KEY: "local-google-key",
};

/** The gateway with a key of an org that may ask as often as the tests do. */
export async function startForClients(vars: Record<string, string> = {}) {
  const gateway = await startGateway({ vars });
  const config = { ...unbroken, limits: [], budgets: [] };
  const { key, org } = await createOrg(gateway, { config });
  return { gateway, key, org };
}

/** A key that may ask once a minute, and has. */
export async function exhaustedKey(gateway: Gateway): Promise<string> {
  const config = { limits: [{ count: "requests", limit: 1, seconds: 60 }] };
  const { key } = await createOrg(gateway, { config });
  const response = await gateway.fetch("/v1/chat/completions", {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: gpt, messages: [{ role: "user", content: question }] }),
  });
  await response.text();
  return key;
}

/** A PNG of 8 by 8 black pixels that holds a text, which the emulated models read. */
export function picture(text = "Lock 7"): Buffer {
  const header = Buffer.from([0, 0, 0, 8, 0, 0, 0, 8, 8, 0, 0, 0, 0]);
  const pixels = deflateSync(Buffer.alloc(9 * 8));
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    pngChunk("IHDR", header),
    pngChunk("tEXt", Buffer.from(`Comment\0${text}`, "latin1")),
    pngChunk("IDAT", pixels),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

function pngChunk(name: string, data: Buffer): Buffer {
  const checked = Buffer.concat([Buffer.from(name, "latin1"), data]);
  return Buffer.concat([number32(data.length), checked, number32(crc32(checked))]);
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export const pictureUrl = (text?: string) =>
  `data:image/png;base64,${picture(text).toString("base64")}`;

/** Silence as WAV: 16 bits, 16,000 samples a second, one channel. */
export function sound(seconds = 1): Buffer {
  const samples = Buffer.alloc(32_000 * seconds);
  const header = Buffer.alloc(44);
  header.write("RIFF", 0, "latin1");
  header.writeUInt32LE(36 + samples.length, 4);
  header.write("WAVEfmt ", 8, "latin1");
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(16_000, 24);
  header.writeUInt32LE(32_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write("data", 36, "latin1");
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]);
}
