import { addSums, swapSum } from './checksum.ts'
import type { Chunk } from './chunk.ts'
import { copyBytes } from './copy.ts'
import type { Packet } from './packet.ts'

// Walks over a payload range: `length` bytes of a chunk and its successors, from `offset` on. The
// packet has made sure that they exist.

/** Whether these bytes have been written. */
export function rangeExists(chunk: Chunk, offset: number, length: number): boolean {
  let available = chunk.length - offset
  for (let next = chunk.next; available < length && next !== null; next = next.next) available += next.length
  return offset >= 0 && length >= 0 && available >= length
}

/** Folded sum of a range. */
export function sumRange(first: Chunk, offset: number, length: number): number {
  let sum = 0
  let done = 0
  for (let chunk: Chunk | null = first; done < length && chunk !== null; chunk = chunk.next) {
    const part = Math.min(chunk.length - offset, length - done)
    const partSum = chunk.memory.kernels.sum(chunk.base + offset, part)
    sum = addSums(sum, (done & 1) === 0 ? partSum : swapSum(partSum))
    done += part
    offset = 0
  }
  return sum
}

/** Copies a range to slot offset `at` of a packet. */
export function copyRange(target: Packet, at: number, first: Chunk, offset: number, length: number): void {
  let left = length
  for (let chunk: Chunk | null = first; left > 0 && chunk !== null; chunk = chunk.next) {
    const part = Math.min(chunk.length - offset, left)
    if (chunk.memory === target.memory) {
      const from = chunk.base + offset
      target.memory.bytes.copyWithin(target.base + at, from, from + part)
    } else {
      copyBytes(target.bytes, at, chunk.bytes, offset, offset + part)
    }
    at += part
    left -= part
    offset = 0
  }
}

/** Both at once: one pass over the bytes where one arena holds them. */
export function copyAndSumRange(target: Packet, at: number, first: Chunk, offset: number, length: number): number {
  let sum = 0
  let done = 0
  for (let chunk: Chunk | null = first; done < length && chunk !== null; chunk = chunk.next) {
    const part = Math.min(chunk.length - offset, length - done)
    let partSum: number
    if (chunk.memory === target.memory) {
      partSum = target.memory.kernels.copyAndSum(target.base + at + done, chunk.base + offset, part)
    } else {
      copyBytes(target.bytes, at + done, chunk.bytes, offset, offset + part)
      partSum = target.memory.kernels.sum(target.base + at + done, part)
    }
    sum = addSums(sum, (done & 1) === 0 ? partSum : swapSum(partSum))
    done += part
    offset = 0
  }
  return sum
}
