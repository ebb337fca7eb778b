/** From phases to figures, and from figures to a table. */

import { spread } from "./statistics.mjs";

/**
 * Medians over rounds with least and greatest. A ratio is taken within a round, so that what slows
 * the whole machine for a while cancels out.
 * @param {import("../scenarios.mjs").Scenario[]} scenarios
 * @param {import("../scenarios.mjs").Scenario[]} floors
 * @param {Map<string, import("./rounds.mjs").Phase[]>} measured
 */
export function figuresOf(scenarios, floors, measured) {
  return scenarios.map(({ name, title, against }) => {
    const phases = measured.get(name);
    const of = (key) => spread(phases.map((phase) => phase[key]));
    const ratioTo = (other) => {
      const base = measured.get(other.name);
      return spread(phases.map(({ cpu }, round) => cpu / base[round].cpu));
    };
    const ratios = floors
      .filter((floor) => measured.has(floor.name))
      .map((floor) => [floor.name, ratioTo(floor)]);
    return {
      name,
      title,
      rounds: phases.length,
      requests_per_second: of("requestsPerSecond"),
      cpu_microseconds: of("cpu"),
      p50_milliseconds: of("p50"),
      p99_milliseconds: of("p99"),
      cpu_ratio_to: Object.fromEntries(ratios),
      ...(against && {
        against: {
          name: against.scenario.name,
          at_most: against.atMost,
          cpu_ratio: ratioTo(against.scenario),
        },
      }),
    };
  });
}

/** The figures as lines of text. */
export function tableOf(figures) {
  const floors = Object.keys(figures[0].cpu_ratio_to);
  const head = ["", "requests/s", "CPU µs/request", "p50 ms", "p99 ms"];
  const rows = figures.map((figure) => [
    figure.name,
    range(figure.requests_per_second, 0),
    range(figure.cpu_microseconds, 0),
    range(figure.p50_milliseconds, 1),
    range(figure.p99_milliseconds, 1),
    ...floors.map((floor) => range(figure.cpu_ratio_to[floor], 2)),
  ]);
  return aligned([[...head, ...floors.map((floor) => `CPU ÷ ${floor}`)], ...rows]);
}

/** What scenarios cost against those that they are compared with, as lines of text. */
export function comparisonsOf(figures) {
  return figures
    .filter(({ against }) => against)
    .map(({ name, against }) => {
      const { median } = against.cpu_ratio;
      const verdict = median <= against.at_most ? "kept" : "NOT KEPT";
      const ratio = range(against.cpu_ratio, 2);
      return `CPU of ${name} ÷ ${against.name}: ${ratio}; at most ${against.at_most}: ${verdict}.`;
    });
}

/** `median (least–greatest)`. */
function range({ median, min, max }, digits) {
  const text = (value) => value.toFixed(digits);
  return `${text(median)} (${text(min)}–${text(max)})`;
}

/** Columns of equal width: the first to the left, the others to the right. */
function aligned(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
      )
      .join("  ")
      .trimEnd(),
  );
}
