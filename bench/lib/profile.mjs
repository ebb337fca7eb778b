/** A CPU profile of one Worker, taken by V8's inspector, and what it says. */

/** Microseconds between samples. */
const INTERVAL_MICROSECONDS = 200;

/** Profiles `worker` while `work` runs. */
export async function profileOf(inspectorUrl, worker, work) {
  const session = await connect(await debuggerUrl(inspectorUrl, worker));
  try {
    await session.send("Profiler.enable");
    await session.send("Profiler.setSamplingInterval", { interval: INTERVAL_MICROSECONDS });
    await session.send("Profiler.start");
    await work();
    const { profile } = await session.send("Profiler.stop");
    return profile;
  } finally {
    session.close();
  }
}

async function debuggerUrl(inspectorUrl, worker) {
  const response = await fetch(new URL("/json", inspectorUrl.href.replace(/^ws/u, "http")));
  const targets = await response.json();
  const target = targets.find(({ id }) => id === worker || id.endsWith(`:${worker}`));
  if (target) return target.webSocketDebuggerUrl;
  const there = targets.map(({ id }) => id).join(", ");
  throw new Error(`The inspector knows no Worker ${worker}, only: ${there}`);
}

async function connect(url) {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", () => reject(new Error(`cannot connect to ${url}`)), {
      once: true,
    });
  });
  const waiting = new Map();
  let last = 0;
  socket.addEventListener("message", ({ data }) => {
    const { id, result, error } = JSON.parse(data);
    const caller = waiting.get(id);
    waiting.delete(id);
    if (error) caller?.reject(new Error(error.message));
    else caller?.resolve(result);
  });
  return {
    send: (method, params) =>
      new Promise((resolve, reject) => {
        waiting.set(++last, { resolve, reject });
        socket.send(JSON.stringify({ id: last, method, params }));
      }),
    close: () => socket.close(),
  };
}

/** A longer time between two samples is a pause: the process was in another isolate, or waited. */
const PAUSE_MICROSECONDS = 10_000;

/** What is no function, as the profiler names it. */
const natives = new Map([
  ["(program)", "native code of workerd and V8"],
  ["(garbage collector)", "garbage collection"],
]);

/**
 * Shares of the time in which the isolate was neither idle nor paused, the longest first:
 * `functions` by self time; `owners` by the nearest caller that is the gateway's own, which so bears
 * what libraries, JavaScript and the platform do for it; `kinds` by kind of code.
 */
export function summaryOf({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(
    nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, byId.get(id)])),
  );
  const times = { functions: new Map(), kinds: new Map(), owners: new Map() };
  let total = 0;
  for (const [at, id] of samples.entries()) {
    const node = byId.get(id);
    const time = Math.max(0, timeDeltas[at]);
    if (node.callFrame.functionName === "(idle)" || time > PAUSE_MICROSECONDS) continue;
    total += time;
    add(times.functions, nameOf(node.callFrame), time);
    add(times.kinds, kindOf(node.callFrame), time);
    add(times.owners, ownerOf(node, parents), time);
  }
  const shares = (map) =>
    [...map]
      .map(([name, time]) => ({ name, share: time / total }))
      .sort((left, right) => right.share - left.share);
  return {
    functions: shares(times.functions),
    kinds: shares(times.kinds),
    owners: shares(times.owners),
  };
}

function add(times, name, time) {
  times.set(name, (times.get(name) ?? 0) + time);
}

function nameOf(frame) {
  const native = natives.get(frame.functionName);
  if (native) return native;
  // The hashes in Rust's names change from build to build.
  const name =
    frame.functionName.replace(/::h[0-9a-f]{16}|\[[0-9a-f]{16}\]/gu, "") || "(anonymous)";
  return isRust(frame) || frame.url === "" ? name : `${name} (JavaScript)`;
}

function kindOf(frame) {
  const native = natives.get(frame.functionName);
  if (native) return native;
  if (isRust(frame)) return "Rust";
  return frame.url === "" ? "built-in functions of the platform" : "JavaScript";
}

function ownerOf(node, parents) {
  for (let at = node; at; at = parents.get(at.id)) {
    if (isRust(at.callFrame) && at.callFrame.functionName.includes("esclusa::")) {
      return nameOf(at.callFrame);
    }
  }
  return isUnderRust(node, parents) ? "the event handlers, with what is inlined there" : "no Rust";
}

function isUnderRust(node, parents) {
  for (let at = node; at; at = parents.get(at.id)) {
    if (isRust(at.callFrame)) return true;
  }
  return false;
}

function isRust(frame) {
  return frame.url.startsWith("wasm:");
}
