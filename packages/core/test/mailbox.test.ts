import { createPacketMemory } from '@stack/buffer'
import { createMailbox, ReceiveQueue, type Mailbox, type MailboxSource } from '@stack/core'
import { describe, expect, test } from 'vitest'

type Handler = (item: number) => void

class FakeSource implements MailboxSource<number, Handler> {
  readonly items: number[] = []
  readonly errors: unknown[] = []
  readonly waits: boolean[] = []
  pendingError: Error | null = null
  rethrows = false
  readonly mailbox: Mailbox<number, Handler> = createMailbox<number, Handler>(this)

  put(item: number): void {
    this.items.push(item)
    if (this.mailbox.isWanted) this.mailbox.wake()
  }

  take(): number | undefined {
    return this.items.shift()
  }

  give(handler: Handler): boolean {
    const item = this.items.shift()
    if (item === undefined) return false
    handler(item)
    return true
  }

  takeError(): Error | null {
    const error = this.pendingError
    this.pendingError = null
    return error
  }

  onError(error: unknown): void {
    this.errors.push(error)
    if (this.rethrows) throw error
  }

  waiting(on: boolean): void {
    this.waits.push(on)
  }
}

describe('a call', () => {
  test('gets what is there, then the error, then waits', async () => {
    const source = new FakeSource()
    source.put(1)
    source.pendingError = new Error('refused')
    expect(await source.mailbox.receive()).toBe(1)
    await expect(source.mailbox.receive()).rejects.toThrow('refused')
    const waiting = source.mailbox.receive()
    expect(source.mailbox.isWanted).toBe(true)
    source.put(2)
    expect(await waiting).toBe(2)
    expect(source.mailbox.isWanted).toBe(false)
    expect(source.waits).toEqual([true, false])
  })

  test('that waits gets an error that comes; a wake for nothing leaves it waiting', async () => {
    const source = new FakeSource()
    const waiting = source.mailbox.receive()
    source.mailbox.wake()
    expect(source.mailbox.isWanted).toBe(true)
    source.pendingError = new Error('refused')
    source.mailbox.wake()
    await expect(waiting).rejects.toThrow('refused')
  })

  test('is the only one', async () => {
    const source = new FakeSource()
    const waiting = source.mailbox.receive()
    await expect(source.mailbox.receive({}, 'read')).rejects.toMatchObject({ code: 'ERR_STACK_BUSY', syscall: 'read' })
    expect(() => source.mailbox.setHandler(() => undefined)).toThrow(expect.objectContaining({ code: 'ERR_STACK_BUSY' }))
    source.mailbox.setHandler(null)
    source.put(1)
    expect(await waiting).toBe(1)
    source.mailbox.setHandler(() => undefined)
    await expect(source.mailbox.receive()).rejects.toMatchObject({ code: 'ERR_STACK_BUSY' })
  })

  test('ends with its signal and leaves the mailbox free', async () => {
    const source = new FakeSource()
    const controller = new AbortController()
    const waiting = source.mailbox.receive({ signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    expect(source.waits).toEqual([true, false])
    source.put(1)
    await expect(source.mailbox.receive({ signal: controller.signal })).rejects.toThrow('enough')
    expect(await source.mailbox.receive()).toBe(1)
  })

  test('gets null when the mailbox closes, and what was there before that', async () => {
    const source = new FakeSource()
    const waiting = source.mailbox.receive()
    source.mailbox.close()
    source.mailbox.close()
    expect(await waiting).toBeNull()
    await source.mailbox.closed
    source.items.push(1)
    expect(await source.mailbox.receive()).toBe(1)
    expect(await source.mailbox.receive()).toBeNull()
    expect(() => source.mailbox.assertOpen('send')).toThrow(expect.objectContaining({ code: 'ERR_STACK_CLOSED', syscall: 'send' }))
  })

  test('iterates until the end', async () => {
    const source = new FakeSource()
    source.put(1)
    source.put(2)
    source.mailbox.close()
    const all: number[] = []
    for await (const item of source.mailbox) all.push(item)
    expect(all).toEqual([1, 2])
  })
})

describe('a handler', () => {
  test('gets all that is there, though it throws', () => {
    const source = new FakeSource()
    const seen: number[] = []
    source.items.push(1, 2)
    source.mailbox.setHandler((item) => {
      seen.push(item)
      if (item === 1) throw new Error('handler')
    })
    source.mailbox.wake()
    expect(seen).toEqual([1, 2])
    expect(source.errors).toHaveLength(1)
  })

  test('is left alone for a turn when the owner throws on', () => {
    const source = new FakeSource()
    source.rethrows = true
    const seen: number[] = []
    source.items.push(1, 2)
    source.mailbox.setHandler((item) => {
      seen.push(item)
      if (item === 1) throw new Error('handler')
    })
    expect(() => source.mailbox.wake()).toThrow('handler')
    source.mailbox.wake()
    expect(seen).toEqual([1, 2])
  })

  test('may take itself away, or close, in between', () => {
    const source = new FakeSource()
    const seen: number[] = []
    source.items.push(1, 2, 3)
    source.mailbox.setHandler((item) => {
      seen.push(item)
      source.mailbox.setHandler(null)
    })
    source.mailbox.wake()
    expect(seen).toEqual([1])
    source.mailbox.setHandler((item) => {
      seen.push(item)
      source.mailbox.close()
    })
    source.mailbox.wake()
    expect(seen).toEqual([1, 2])
  })
})

test('a receive queue holds packets by their memory, but never refuses the first', () => {
  const pool = createPacketMemory({ size: 1 << 20, simd: false }).pool()
  const packet = () => pool.allocate(0, 100)!
  const queue = new ReceiveQueue()
  const [first, second, third] = [packet(), packet(), packet()]
  expect(queue.push(first, 1)).toBe(true)
  expect(queue.push(second, first.capacity + second.capacity - 1)).toBe(false)
  expect(queue.push(second, first.capacity + second.capacity)).toBe(true)
  expect(queue.shift()).toBe(first)
  expect(queue.held).toBe(second.capacity)
  expect(queue.push(third, 1 << 20)).toBe(true)
  queue.clear()
  expect([queue.held, queue.isEmpty, queue.shift()]).toEqual([0, true, null])
  first.release()
  expect(pool.packets).toBe(0)
})
