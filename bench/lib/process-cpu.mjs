/** CPU time of other processes: from /proc on Linux, from `ps` elsewhere. */

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** The kernel counts in hundredths of a second wherever Node runs. */
const MICROSECONDS_PER_TICK = 10_000;

const hasProc = existsSync("/proc/self/stat");

/**
 * Microseconds of CPU, user and system, that a process has used in all its threads.
 * @param {number} pid
 */
export function cpuMicroseconds(pid) {
  if (!hasProc) return parsePsTime(ps("-o", "time=", "-p", String(pid)));
  const { fields } = procStat(pid);
  return (Number(fields[11]) + Number(fields[12])) * MICROSECONDS_PER_TICK;
}

/**
 * The children of this process whose command ends with `name`.
 * @param {string} name
 */
export function childrenNamed(name) {
  return processes()
    .filter(({ parent, command }) => parent === process.pid && command.endsWith(name))
    .map(({ pid }) => pid);
}

function processes() {
  if (!hasProc) {
    return ps("-axo", "pid=,ppid=,comm=")
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/u))
      .map(([pid, parent, ...command]) => ({
        pid: Number(pid),
        parent: Number(parent),
        command: command.join(" "),
      }));
  }
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/u.test(entry))
    .flatMap((entry) => {
      try {
        const { command, fields } = procStat(entry);
        return [{ pid: Number(entry), parent: Number(fields[1]), command }];
      } catch {
        return []; // It has ended since the folder was read.
      }
    });
}

/**
 * The fields of /proc/PID/stat after the command, which may itself hold spaces and parentheses.
 * @param {number | string} pid
 */
function procStat(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const end = stat.lastIndexOf(")");
  return {
    command: stat.slice(stat.indexOf("(") + 1, end),
    fields: stat.slice(end + 2).split(" "),
  };
}

/** @param {string[]} options */
function ps(...options) {
  return execFileSync("ps", options, { encoding: "utf8" });
}

/**
 * `[[days-]hours:]minutes:seconds`, with a fraction on macOS.
 * @param {string} text
 */
function parsePsTime(text) {
  const [clock, days = "0"] = text.trim().split("-").reverse();
  const seconds = clock.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  return (Number(days) * 86_400 + seconds) * 1_000_000;
}
