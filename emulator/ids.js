// Ids that follow from what they name, so that the same request gets the same answer every time.
import { createHash } from "node:crypto";

/**
 * When every answer says it was made, in seconds: the clock would make two answers to one request
 * differ.
 */
export const CREATED = Date.UTC(2026, 0, 1) / 1_000;

/** 24 hexadecimal digits. @param {unknown[]} parts */
export function idOf(...parts) {
  return digest(parts).toString("hex").slice(0, 24);
}

/**
 * Letters and digits, for ids that must be short.
 * @param {number} length
 * @param {unknown[]} parts
 */
export function shortIdOf(length, ...parts) {
  return digest(parts).toString("base64").replace(/[+/=]/gu, "").slice(0, length);
}

/** An opaque token such as a signature, in base64. @param {unknown[]} parts */
export function sealOf(...parts) {
  return Buffer.concat([digest(parts), digest([...parts, "seal"])]).toString("base64");
}

/** A fraction from 0 up to 1. @param {unknown[]} parts */
export function fractionOf(...parts) {
  return digest(parts).readUInt32BE() / 2 ** 32;
}

/** @param {unknown[]} parts */
function digest(parts) {
  return createHash("sha256").update(JSON.stringify(parts)).digest();
}

/** A request's own id, different every time: 24 hexadecimal digits. */
export function requestId() {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 24);
}
