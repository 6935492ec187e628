import { closeSync, mkdtempSync, openSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Nic } from '@stack/core'
import { capture } from '@stack/link-sniffer'
import { CommandFailure, explain } from './failure.ts'

/** Headers of every protocol fit; what a download carries does not. */
const SNAP_LENGTH = 128
/** Bytes collected for one write to the file. */
const BLOCK = 1 << 20

/** A capture that goes to a file. */
export interface CaptureFile {
  readonly path: string
  readonly packets: number
  /** Writes what is left and closes the file. Idempotent. */
  close(): void
}

/** A name that nobody else uses. */
export function temporaryCapturePath(): string {
  return join(mkdtempSync(join(tmpdir(), 'stack-')), 'capture.pcapng')
}

/** Captures a NIC as pcapng, the first 128 bytes of each packet. */
export function captureTo(path: string, nic: Nic): CaptureFile {
  const file = open(path)
  const collected = Buffer.allocUnsafe(BLOCK)
  let used = 0
  const flush = (): void => {
    for (let written = 0; written < used;) written += writeSync(file, collected, written, used - written)
    used = 0
  }
  const running = capture(nic, {
    snapLength: SNAP_LENGTH,
    onBlock: (bytes) => {
      if (used + bytes.length > BLOCK) flush()
      collected.set(bytes, used)
      used += bytes.length
    },
  })
  let isOpen = true
  return {
    path: resolve(path),
    get packets() {
      return running.packets
    },
    close() {
      if (!isOpen) return
      isOpen = false
      running.stop()
      flush()
      closeSync(file)
    },
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'w')
  } catch (error) {
    throw new CommandFailure(`The capture cannot be written: ${explain(error)}. Name another file with --capture, or use --no-capture.`)
  }
}
