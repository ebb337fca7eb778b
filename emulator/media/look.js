// Pictures, recordings and documents among a message's parts, as the model perceives them.

import { fromBase64, readDataUrl } from "./bytes.js";
import { documentText, isPdf } from "./document.js";
import { readPicture } from "./picture.js";
import { SAMPLES } from "./samples.js";
import { readSound } from "./sound.js";

/** @import { Medium } from "../types.js" */

/**
 * @param {string} data base64
 * @returns {Medium | undefined} undefined when it is no picture
 */
export function lookAtPicture(data) {
  const bytes = fromBase64(data);
  const picture = bytes && readPicture(bytes);
  if (!picture) return undefined;
  const { format, type, width, height, text } = picture;
  const size = `The picture is a ${format} of ${width} by ${height} pixels.`;
  const says = text === "" ? size : `${size} It reads: ${text}`;
  return { kind: "image", type, says, text };
}

/**
 * A picture by its address: a data URL, one of the emulator's own, or one it does not look at.
 * @param {string} url
 * @returns {Medium | undefined} undefined for a bad one
 */
export function lookAtUrl(url) {
  if (!URL.canParse(url)) return undefined;
  if (!url.startsWith("data:")) return remotePicture(url);
  const given = readDataUrl(url);
  return given && lookAtPicture(given.data);
}

/** @param {string} url @returns {Medium} */
function remotePicture(url) {
  const { hostname, pathname } = new URL(url);
  const own = hostname === "images.example" ? SAMPLES[pathname] : undefined;
  const seen = own && lookAtPicture(own.base64);
  const unseen = { type: "", says: `The picture is at ${url}.`, text: "" };
  return { kind: "image", ...(seen ?? unseen), remote: true };
}

/**
 * @param {string} data base64
 * @returns {Medium | undefined} undefined when it is no recording
 */
export function listenTo(data) {
  const bytes = fromBase64(data);
  const sound = bytes && readSound(bytes);
  if (!sound) return undefined;
  const { format, type, seconds, text } = sound;
  const length = `The recording is ${article(format)} of ${seconds.toFixed(1)} seconds.`;
  return { kind: "audio", type, says: text === "" ? length : `${length} It says: ${text}`, text };
}

/** @param {string} format */
function article(format) {
  return /^[AEFMO]/u.test(format) && format !== "FLAC" ? `an ${format}` : `a ${format}`;
}

/**
 * @param {string} data base64
 * @param {string} title
 * @returns {Medium | undefined} undefined when it is not base64
 */
export function readDocument(data, title) {
  const bytes = fromBase64(data);
  if (!bytes) return undefined;
  const type = isPdf(bytes) ? "application/pdf" : "text/plain";
  return documentOf(documentText(bytes), title, type);
}

/** @param {string} text @param {string} title @param {string} [type] @returns {Medium} */
export function documentOf(text, title, type = "text/plain") {
  return { kind: "document", type, says: `The document is called ${title}.`, text, title };
}
