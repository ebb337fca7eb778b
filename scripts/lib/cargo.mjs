/** Cargo's arguments for speed, where the Worker is built for size; compiled in half the time. */
export const speedProfile = [
  "--release",
  "--config",
  "profile.release.opt-level=3",
  "--config",
  "profile.release.lto=false",
  "--config",
  "profile.release.codegen-units=16",
];
