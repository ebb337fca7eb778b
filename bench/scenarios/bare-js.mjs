import { chatRequest, question } from "./requests.mjs";

export const bareJavaScript = {
  name: "bare-js",
  title: "a proxy in JavaScript that does nothing else",
  worker: "bare-js",
  requests: 2_500,
  request: (number, target) => chatRequest("mock", question(number), target),
};
