import { bareJavaScript } from "./bare-js.mjs";

export const bareRust = {
  ...bareJavaScript,
  name: "bare-rust",
  title: "the same in Rust",
  worker: "bare-rust",
};
