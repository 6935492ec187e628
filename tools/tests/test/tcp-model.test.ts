import { createStack, seededRandom, type Random, type StackBase } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { netem } from '@stack/link-netem'
import { pipe } from '@stack/link-pipe'
import { tcp, type Connection, type Tcp } from '@stack/tcp'
import { leaksOf, manualClock, tcpObserver, type ManualClock } from '@stack/testing'
import { expect, test } from 'vitest'

/*
 * Two stacks over a bad network do random things with connections; whatever they do, what is read is what was written,
 * every promise settles, nothing is left, and what goes over the wire keeps the rules (see tcpObserver).
 */

const SEEDS = 320
/** Segments in both directions: a storm of ACKs never ends by itself. */
const MOST_SEGMENTS = 40_000

class Dice {
  private readonly random: Random

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  /** An integer in [from, to]. */
  int(from: number, to: number): number {
    return from + Math.floor(this.random.next() * (to - from + 1))
  }

  chance(part: number): boolean {
    return this.random.next() < part
  }

  pick<T>(values: readonly T[]): T {
    return values[this.int(0, values.length - 1)]!
  }
}

/** How a side stops writing; `nothing` = the stack is destroyed under it. */
type Ending = 'shutdown' | 'close' | 'abort' | 'nothing'

/** What one side of a connection did. */
class Side {
  written = 0
  read = 0
  sawEnd = false
  readonly errors: string[] = []
  readonly connection: Connection
  private readonly clock: ManualClock
  private readonly dice: Dice
  private readonly salt: number
  private readonly peerSalt: number

  constructor(clock: ManualClock, dice: Dice, connection: Connection, salt: number, peerSalt: number) {
    this.clock = clock
    this.dice = dice
    this.connection = connection
    this.salt = salt
    this.peerSalt = peerSalt
  }

  /** Writes `total` bytes in pieces, with pauses, then ends as told. */
  async write(total: number, ending: Ending): Promise<void> {
    const { dice, connection } = this
    try {
      while (this.written < total) {
        const length = Math.min(total - this.written, dice.chance(0.3) ? dice.int(1, 10) : dice.int(1, 20_000))
        const bytes = new Uint8Array(length)
        for (let i = 0; i < length; i++) bytes[i] = byteAt(this.salt, this.written + i)
        if (dice.chance(0.2)) this.written += connection.tryWrite(bytes)
        else {
          const before = connection.bytesWritten
          const signal = dice.chance(0.05) ? this.after(dice.int(1, 500)) : undefined
          try {
            await connection.write(dice.chance(0.5) ? [bytes.subarray(0, length >> 1), bytes.subarray(length >> 1)] : bytes, signal === undefined ? {} : { signal })
          } finally {
            this.written += connection.bytesWritten - before
          }
        }
        if (dice.chance(0.3)) await sleep(this.clock, dice.int(0, 300))
      }
    } catch (error) {
      this.note(error)
    }
    if (ending === 'shutdown') connection.shutdown('write')
    else if (ending === 'close') await connection.close()
    else if (ending === 'abort') connection.abort(new Error('enough'))
  }

  /** Reads in pieces, with pauses, to the end. */
  async readToEnd(): Promise<void> {
    const { dice, connection } = this
    try {
      for (;;) {
        const chunk = await this.readPiece()
        if (chunk === null) {
          this.sawEnd = true
          return
        }
        for (const byte of chunk) {
          if (byte !== byteAt(this.peerSalt, this.read)) throw new Error(`byte ${String(this.read)} is wrong`)
          this.read++
        }
        if (dice.chance(0.1)) await sleep(this.clock, dice.int(0, dice.chance(0.1) ? 20_000 : 300))
      }
    } catch (error) {
      if (error instanceof Error && error.message.endsWith('is wrong')) throw error
      this.note(error)
    } finally {
      connection.closed.catch(() => undefined)
    }
  }

  private async readPiece(): Promise<Uint8Array | null> {
    const { dice, connection } = this
    if (dice.chance(0.5)) return connection.readSome({ max: dice.int(1, 30_000) })
    const into = new Uint8Array(dice.int(1, 3000))
    const count = await connection.read(into)
    return count === null ? null : into.subarray(0, count)
  }

  private after(ms: number): AbortSignal {
    const controller = new AbortController()
    void sleep(this.clock, ms).then(() => {
      controller.abort(new Error('aborted'))
    })
    return controller.signal
  }

  private note(error: unknown): void {
    this.errors.push((error as { readonly code?: string }).code ?? String(error))
  }
}

/** What both sides agree the bytes are. */
function byteAt(salt: number, at: number): number {
  return (salt + at * 7 + (at >>> 8)) & 0xff
}

function sleep(clock: ManualClock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.scheduler.timers.create(() => {
      resolve()
    }).armAfter(ms)
  })
}

type TcpStack = StackBase & { readonly tcp: Tcp }

async function play(seed: number): Promise<void> {
  const dice = new Dice(seed)
  const clock = manualClock()
  const mtu = dice.pick([68, 100, 576, 1500, 1500, 1500, 9000, 65_535])
  const isTiny = mtu < 500
  const [left, right] = pipe({ mtu, latency: dice.int(0, 50), limit: dice.pick([8, 64, 1024]) })
  const isBad = dice.chance(0.7)
  const wire = netem(left, {
    seed, direction: 'both',
    delay: dice.int(1, 60), jitter: dice.int(0, 30),
    loss: isBad ? dice.pick([0, 0.01, 0.05, 0.1]) : 0,
    duplicate: isBad ? dice.pick([0, 0.02, 0.1]) : 0,
    reorder: isBad ? dice.pick([0, 0.05, 0.3]) : 0,
    corrupt: isBad ? dice.pick([0, 0, 0.02]) : 0,
    limit: dice.pick([20, 1000]),
  })
  const thrown: unknown[] = []
  const make = (n: number): TcpStack =>
    createStack({
      plugins: [ipv4(), tcp()], clock, random: seededRandom(seed + n),
      onError: (error) => thrown.push(error),
    })
  const a = make(1)
  const b = make(2)
  const [nicA, nicB] = await clock.until(Promise.all([a.addNic(wire, { addresses: ['10.0.0.1/24'] }), b.addNic(right, { addresses: ['10.0.0.2/24'] })]))
  const observer = tcpObserver({ mtu })
  observer.watch(nicA, nicB)

  const options = () => ({
    sendBuffer: dice.pick([4096, 20_000, 262_144]),
    receiveBuffer: dice.pick([4096, 5000, 65_536, 70_001, 1_048_576]),
    noDelay: dice.chance(0.5),
    delayedAck: dice.pick([0, 40, 500]),
    ...(dice.chance(0.2) ? { maximumSegmentSize: dice.int(64, 1400) } : {}),
    lingerTimeout: 20_000,
    // A reset may be lost: who only reads would wait for ever.
    keepAlive: { idle: 60_000, interval: 5000, count: 5 },
  })
  const isDestroyed = dice.chance(0.2)
  const endings: readonly Ending[] = isDestroyed ? ['shutdown', 'nothing'] : dice.chance(0.6) ? ['shutdown'] : ['shutdown', 'close', 'abort']
  const sizes = isTiny ? [0, 1, 3000, 8000] : [0, 1, 5000, 60_000, 200_000]

  const one = async (port: number): Promise<void> => {
    const listener = b.tcp.listen({ port, ...options() })
    const ends: readonly [Ending, Ending] = [dice.pick(endings), dice.pick(endings)]
    const totals: readonly [number, number] = [dice.pick(sizes), dice.pick(sizes)]
    let active: Connection
    try {
      active = await a.tcp.connect({ host: '10.0.0.2', port, ...options() })
    } catch {
      return
    }
    const passive = await listener.accept()
    if (passive === null) {
      active.abort()
      return
    }
    const x = new Side(clock, dice, active, seed, seed + 99)
    const y = new Side(clock, dice, passive, seed + 99, seed)
    const reads = Promise.all([x.readToEnd(), y.readToEnd()])
    await Promise.all([x.write(totals[0], ends[0]), y.write(totals[1], ends[1]), reads])
    await Promise.all([active.close(), passive.close()])
    const errors = [...x.errors, ...y.errors].filter((code) => code !== 'Error: aborted')
    expect(x.read).toBeLessThanOrEqual(y.written)
    expect(y.read).toBeLessThanOrEqual(x.written)
    if (isDestroyed || ends[0] !== 'shutdown' || ends[1] !== 'shutdown') return
    expect(errors).toEqual([])
    expect([x.sawEnd, y.sawEnd, x.read, y.read]).toEqual([true, true, y.written, x.written])
  }
  const connections = Array.from({ length: dice.int(1, 2) }, (_, i) => one(80 + i))
  const all = Promise.all(connections)
  if (isDestroyed) {
    await clock.advance(dice.int(0, 3000))
    a.destroy()
    await clock.advance(dice.int(0, 100))
    b.destroy()
    await clock.until(all)
  } else {
    await clock.until(all, 1_500_000)
    if (dice.chance(0.5)) await clock.until(Promise.all([a.close(), b.close()]))
  }
  a.destroy()
  b.destroy()
  await clock.advance(5000)
  expect(thrown).toEqual([])
  expect([...leaksOf(a), ...leaksOf(b)]).toEqual([])
  expect(a.statistics().protocols['tcp']!['illegalTransitions']! + b.statistics().protocols['tcp']!['illegalTransitions']!).toBe(0)
  expect(observer.problems.join('; ')).toBe('')
  expect(observer.segments).toBeLessThan(MOST_SEGMENTS)
}

test.each(Array.from({ length: SEEDS / 20 }, (_, i) => 1 + i * 20))('random connections over a bad network, seeds from %i', async (first) => {
  for (let seed = first; seed < first + 20; seed++) {
    try {
      await play(seed)
    } catch (error) {
      throw new Error(`seed ${String(seed)}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }
}, 60_000)
