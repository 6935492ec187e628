import { startCall } from '@stack/core'
import type { PendingCall } from '@stack/core'
import type { WriteOptions } from './api.ts'

interface Write {
  readonly parts: readonly Uint8Array[]
  readonly options: WriteOptions
  part: number
  offset: number
  call: PendingCall<void> | null
}

/** Writes that wait for room in the send buffer, in order. */
export class WriteQueue {
  private readonly put: (bytes: Uint8Array, from: number) => number
  private readonly copied: (options: WriteOptions) => void
  private readonly left: () => void
  private readonly waiting: Write[] = []
  private readonly done: PendingCall<void>[] = []

  /**
   * @param put - copies bytes from an offset on, says how many found room
   * @param copied - all of a write found room, or a part of urgent text
   * @param left - a write was aborted while it waited
   */
  constructor(put: (bytes: Uint8Array, from: number) => number, copied: (options: WriteOptions) => void, left: () => void) {
    this.put = put
    this.copied = copied
    this.left = left
  }

  /** Nothing waits for room. */
  get isEmpty(): boolean {
    return this.waiting.length === 0
  }

  /**
   * Takes what fits now; the promise resolves when all of it is copied.
   *
   * @param taken - bytes of the first part that are copied already
   */
  add(parts: readonly Uint8Array[], taken: number, options: WriteOptions, signal: AbortSignal | undefined): Promise<void> {
    const write: Write = { parts, options, part: 0, offset: taken, call: null }
    if (this.waiting.length === 0 && this.copy(write)) return Promise.resolve()
    return startCall(
      (call) => {
        write.call = call
        this.waiting.push(write)
      },
      signal,
      () => {
        const at = this.waiting.indexOf(write)
        if (at < 0) return
        this.waiting.splice(at, 1)
        this.left()
      },
    )
  }

  /** Bytes that are left of the first write that waits. */
  get wanted(): number {
    const { parts, part, offset } = this.waiting[0]!
    let bytes = -offset
    for (let i = part; i < parts.length; i++) bytes += parts[i]!.length
    return bytes
  }

  /** Copies what fits by now; true when that completes a write. */
  fill(): boolean {
    const before = this.done.length
    while (this.waiting.length > 0 && this.copy(this.waiting[0]!)) this.done.push(this.waiting.shift()!.call!)
    return this.done.length > before
  }

  /** Settles the calls whose bytes are copied; with an error all others too. */
  settle(error: unknown): void {
    for (const call of this.done.splice(0)) call.resolve(undefined)
    if (error !== null) for (const write of this.waiting.splice(0)) write.call!.reject(error)
  }

  /** True when the whole write is copied. */
  private copy(write: Write): boolean {
    while (write.part < write.parts.length) {
      const bytes = write.parts[write.part]!
      if (write.offset < bytes.length) write.offset += this.put(bytes, write.offset)
      if (write.offset < bytes.length) {
        // What is there of it is urgent already (RFC 9293 §3.8.5: any length).
        if (write.options.urgent === true) this.copied({ urgent: true })
        return false
      }
      write.part++
      write.offset = 0
    }
    this.copied(write.options)
    return true
  }
}
