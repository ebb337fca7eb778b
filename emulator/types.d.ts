/** Shapes shared by the emulator's modules, its callers over RPC and its tests. */

/** One way to fail. `model` is a glob (`*` is any run of characters); without it, every target. */
export interface FaultRule {
  /** A model id, `vectorize` (every operation) or `vectorize.query`, `vectorize.upsert`, … */
  model?: string;
  /** HTTP status, 400 to 599 (200 to 599 when `body` is given). */
  status?: number;
  /** The service's own error code; a known one implies its status (3040 is 429). */
  code?: number | string;
  message?: string;
  /** Which error envelope a Workers AI model answers with; `errors` unless told. */
  envelope?: "errors" | "error" | "internal";
  /** Raw body sent instead of an answer, to play a broken upstream. */
  body?: string;
  /** Content type of `body`; `application/json` unless told. */
  content_type?: string;
  /** Extra response headers, such as `retry-after`. */
  headers?: Record<string, string>;
  /** Milliseconds before the first byte. */
  delay_ms?: number;
  /** Milliseconds before each event of a stream. */
  chunk_delay_ms?: number;
  /** A stream ends after this many events, without its end marker. */
  cut_after_chunks?: number;
  /** The cut stream breaks with an error instead of just ending. */
  cut_error?: boolean;
  /** The cut stream ends with its wire's own error event, made of `status`, `code`, `message`. */
  cut_event?: boolean;
  /** Never answers (ten minutes); with `cut_after_chunks` the stream stalls there instead. */
  hang?: boolean;
  /** An HTML page instead of an answer, with `status` or 502. */
  html?: boolean;
  /** No body at all, with `status` or 200. */
  empty?: boolean;
  /** A JSON body of this many bytes instead of an answer. */
  bytes?: number;
  /** A body without end: a stream repeats an event of its middle, JSON never closes. */
  endless?: boolean;
  /** Fires at most this many times. */
  times?: number;
}

/** What became of one call. */
export interface CallOutcome {
  /** HTTP status; absent while the call is under way. */
  status?: number;
  /** The error's code, if it was one. */
  code?: number | string;
  /** Whether a fault rule or directive was applied. */
  fault?: boolean;
  /** Streams only. */
  stream?: "running" | "completed" | "cut" | "cancelled";
  /** Events sent so far. */
  chunks?: number;
  /** The reader went away before the end. */
  aborted?: boolean;
  /** When it did, in milliseconds since the epoch. */
  aborted_at?: number;
}

/** One recorded call. */
export interface Call {
  /** Over HTTP `{provider}/{model}`, whatever the host's path looks like. */
  model: string;
  /** Over HTTP the parsed body; of a form its fields, files as `{name, type, bytes}`. */
  inputs: unknown;
  /** The binding's third argument. */
  options: unknown;
  /** Over HTTP only: the URL as it came, the method, and the headers with their keys masked. */
  url?: string;
  method?: string;
  headers?: Record<string, string>;
  /** Milliseconds since the epoch. */
  at: number;
  outcome: CallOutcome;
}

export interface CallFilter {
  /** Glob over the model or `vectorize.*` operation. */
  model?: string;
  /** Only calls at or after this many milliseconds since the epoch. */
  since?: number;
}

export type Metadata = Record<string, unknown>;

export interface Vector {
  id: string;
  values: number[] | Float32Array | Float64Array;
  namespace?: string;
  metadata?: Metadata;
}

export interface QueryOptions {
  topK?: number;
  namespace?: string;
  returnValues?: boolean;
  returnMetadata?: boolean | "all" | "indexed" | "none";
  filter?: Record<string, unknown>;
}

export interface Match {
  id: string;
  score: number;
  namespace?: string;
  values?: number[];
  metadata?: Metadata;
}

export interface Matches {
  count: number;
  matches: Match[];
}

export interface IndexInfo {
  vectorCount: number;
  dimensions: number;
  processedUpToDatetime: string;
  processedUpToMutation: string;
}

export interface RunOptions {
  returnRawResponse?: boolean;
  gateway?: { id: string; [option: string]: unknown };
  [option: string]: unknown;
}

/** A JSON object whose members are not yet known. */
// biome-ignore lint/suspicious/noExplicitAny: read member by member where it is parsed
export type Json = Record<string, any>;

/** A picture, recording or document of a message, as the model perceives it. */
export interface Medium {
  kind: "image" | "audio" | "document";
  /** Media type; empty when it was not looked at. */
  type: string;
  /** Given by an address on the web. */
  remote?: boolean;
  /** One sentence about it, and what it reads or says. */
  says: string;
  /** What it reads or says. */
  text: string;
  /** Of documents. */
  title?: string;
}

/** One message, whatever wire it came by. */
export interface Turn {
  role: "system" | "user" | "assistant" | "tool";
  text: string;
  media: Medium[];
}

export interface Tool {
  name: string;
  description: string;
  parameters: Json;
}

export interface ToolCall {
  id: string;
  name: string;
  arguments: Json;
}

/** `name` is set when one tool is forced. */
export interface ToolChoice {
  mode: "none" | "auto" | "required";
  name?: string;
}

/** What a `say` directive can ask of an answer; see README.md. */
export type Say =
  | "bad_arguments"
  | "blocked"
  | "cached"
  | "citation"
  | "empty"
  | "length"
  | "logprobs"
  | "long"
  | "no_arguments"
  | "no_usage"
  | "parallel_tools"
  | "preamble"
  | "reasoning"
  | "redacted"
  | "refusal"
  | "safety"
  | "unicode";

/** What the directives of a prompt ask of its answer. */
export interface Script {
  says: Set<Say>;
  /** The words of the answer. */
  text?: string;
}

/** What a wire reads from a text-generation request. */
export interface Asked {
  turns: Turn[];
  tools: Tool[];
  choice: ToolChoice;
  /** Whether several tools may be called at once. */
  parallel: boolean;
  /** A JSON schema, `{}` for "any object", or absent for plain text. */
  schema?: Json;
  /** Whether `schema` came from the caller (JSON schema mode) or stands for any object. */
  strict?: boolean;
  maxTokens: number;
  stop: string[];
  stream: boolean;
  /** The caller wants usage in the stream (only OpenAI's own wire leaves it out by default). */
  streamUsage: boolean;
  /** How many choices. */
  n: number;
  /** Whether the model shows its reasoning. */
  reasoning: boolean;
  promptTokens: number;
  /** Prompt tokens read from, and written to, the provider's cache; part of `promptTokens`. */
  cache?: { read: number; written: number };
}

/** A text-generation request, whatever wire it came by. */
export interface Conversation extends Asked {
  /** Follows from the request. */
  id: string;
  /** The request as it came. */
  inputs: Json;
  script: Script;
}

/** A part of an answer's text and where it was found. */
export interface Citation {
  start: number;
  end: number;
  cited: string;
  title: string;
  url: string;
}

/** The emulator's answer to a conversation, before it takes a wire's shape. */
export interface Completion {
  /** Empty when the model refused. */
  text: string;
  reasoning: string;
  calls: ToolCall[];
  /** In JSON mode, the instance `text` is the serialisation of; absent when it was cut short. */
  value?: unknown;
  finish: "stop" | "length" | "tool_calls" | "safety" | "refusal";
  /** What the model says when it refuses. */
  refusal: string;
  citations: Citation[];
  stopSequence: string | null;
  promptTokens: number;
  /** Of them, read from the provider's cache. */
  cachedTokens: number;
  completionTokens: number;
  reasoningTokens: number;
}

/** One wire: how a request is read and how answers, streams and errors are written. */
export interface Wire {
  read(model: Model, inputs: Json): Asked;
  answer(model: Model, request: Conversation, completion: Completion): Json;
  events(model: Model, request: Conversation, completion: Completion): Generator<string>;
  /** The event that ends a stream which fails midway; `body` is the error in the service's form. */
  errorEvent(body: Json): string;
}

/** How a service writes its errors; see envelopes.js. */
export type ErrorStyle =
  | "workers_ai"
  | "openai"
  | "anthropic"
  | "google"
  | "azure"
  | "mistral"
  | "xai"
  | "flat"
  | "numbered";

export interface Model {
  /** The id given to `run`; over HTTP `{provider}/{name}`. */
  id: string;
  /** The name answers carry. */
  name: string;
  task: Task;
  wire: "native" | "workers_ai" | "openai" | "responses" | "anthropic" | "gemini";
  errors: ErrorStyle;
  /** Context window in tokens. */
  window: number;
  /** Output cap when the request names none. */
  defaultMaxTokens: number;
  /** Where the model's reasoning goes; absent for models that do not reason. */
  reasoning?: "think_tags" | "reasoning_content" | "reasoning" | "thinking_parts" | "hidden";
  /** Which host's additions an answer on OpenAI's wire carries. */
  flavour?: "azure" | "groq" | "deepseek" | "openrouter" | "mistral";
}

export type Task =
  | "chat"
  | "embeddings"
  | "rerank"
  | "decision"
  | "guard"
  | "transcription"
  | "speech"
  | "image"
  | "moderation";
