import { createPacketMemory } from '@stack/buffer'
import { createStack, seededRandom } from '@stack/core'
import { capture } from '@stack/link-sniffer'
import { internet } from '@stack/preset-internet'
import { raw } from '@stack/raw'
import { deterministicRandom, fakeLink, leaksOf, manualClock, type FakeLink, type ManualClock } from '@stack/testing'
import { LinkType, networkOf, type CapturedFrame } from './reader.ts'

/** Bytes that the stack may hold, whatever comes. */
const QUOTA = 8 << 20
const MOST_TIMERS = 20_000
const MS_PER_FRAME = 1

/** What a stack did with a corpus. */
export interface Fed {
  readonly frames: number
  readonly sent: number
  readonly problems: readonly string[]
  /** Most bytes of packet memory held at once. */
  readonly mostHeld: number
}

/** A stack that takes whatever comes for its own; frames go in as their links carried them. */
export interface Feeder {
  feed(frame: CapturedFrame): void
  /** Lets what waits for time have it, destroys the stack, looks for leaks. */
  end(): Promise<Fed>
}

export async function createFeeder(): Promise<Feeder> {
  const problems: string[] = []
  const note = (error: unknown): void => {
    if (problems.length < 20) problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  const clock: ManualClock = manualClock({ onError: note })
  const memory = createPacketMemory({ size: 32 << 20 }).pool({ quota: QUOTA })
  const stack = createStack({ plugins: [internet(), raw()], clock, memory, onError: note, random: seededRandom(1), secureRandom: deterministicRandom(2) })
  const links = { ethernet: fakeLink({ framing: 'ethernet' }), ip: fakeLink() }
  const lines: string[] = []
  for (const link of Object.values(links)) {
    const nic = await stack.addNic(link, { addresses: link.framing === 'ip' ? ['10.0.1.1/24', 'fd01::1/64'] : ['10.0.0.1/24', 'fd00::1/64'], skipDuplicateDetection: true, promiscuous: true, spoofing: true })
    // What describes packets reads them too.
    capture(nic, { onLine: (line) => {
      lines[0] = line
    } })
  }
  for (const port of [22, 53, 80, 443, 8080]) stack.tcp.listen({ port }).setHandler(() => undefined)
  for (const port of [7, 53, 123]) stack.udp.bind({ port })
  stack.raw.packet({ receiveBuffer: 8192 })
  const state = { frames: 0, sent: 0, mostHeld: 0 }
  const drain = (): void => {
    for (const link of Object.values(links)) state.sent += link.sent.splice(0).length
  }
  return {
    feed(frame) {
      state.frames++
      // A NIC that gave its address up to a claimant takes what is not its own all the same: it is promiscuous.
      inject(links, frame)
      clock.advanceSync(MS_PER_FRAME)
      drain()
      state.mostHeld = Math.max(state.mostHeld, memory.held)
      if (stack.timers.armed > MOST_TIMERS) note(new Error(`${stack.timers.armed} timers are armed after ${state.frames} frames`))
    },
    async end() {
      await clock.settle()
      clock.advanceSync(600_000)
      await clock.settle()
      drain()
      stack.destroy()
      await clock.settle()
      return { ...state, problems: [...problems, ...leaksOf(stack)] }
    },
  }
}

function inject(links: { readonly ethernet: FakeLink; readonly ip: FakeLink }, { linkType, bytes }: CapturedFrame): void {
  if (bytes.length === 0 || bytes.length > 65_535) return
  if (linkType === LinkType.ethernet) links.ethernet.inject(bytes)
  else {
    const place = networkOf(linkType, bytes)
    if (place !== null && place.offset < bytes.length) links.ip.inject(bytes.subarray(place.offset), place.etherType)
  }
}
