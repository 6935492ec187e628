import { MemoryLevel } from '@stack/buffer'
import { leaksOf, toHex } from '@stack/testing'
import { addressAt, PEER } from './addresses.ts'
import { buildFrame } from './build.ts'
import { CALLS, newHeld, type Held } from './calls.ts'
import type { Case, Frame, Step } from './case.ts'
import type { Coverage } from './coverage.ts'
import { PLAIN, type Memories, type Variant } from './variant.ts'
import { World } from './world.ts'

/** What a run did, to be compared. */
export interface Outcome {
  readonly framing: 'ip' | 'ethernet'
  readonly problems: readonly string[]
  /** What came in by then, as a number for each step: frames quote and answer what was sent. */
  readonly heard: readonly number[]
  /** The packets that went out after each step, as hexadecimal text. */
  readonly out: readonly (readonly string[])[]
  /** The first step after which memory was refused, or its level was not the lowest; Infinity = none. */
  readonly shortOfMemory: number
  /** The first step, with several frames or after one that had, in which a frame acknowledges what was not sent yet or has text beyond the window; Infinity = none. */
  readonly ahead: number
  /** What became of the connection of the setup. */
  readonly end: { readonly state: string; readonly bytesReceived: number } | null
}

const MOST_PROBLEMS = 5
/** A stack does not need more for what one case can open. */
const MOST_TIMERS = 400
const MOST_PACKETS_HELD = 4000

/** Runs a case and looks at everything that has to hold. Never throws, but for a case that cannot begin. */
export async function runCase(kase: Case, memories: Memories, options: { readonly variant?: Variant; readonly coverage?: Coverage } = {}): Promise<Outcome> {
  const { variant = PLAIN, coverage } = options
  const world = await World.create(kase, variant, memories)
  const held = newHeld()
  const out: string[][] = []
  const heard: number[] = []
  let shortOfMemory = Infinity
  let ahead = Infinity
  const { problems, memory } = world
  let step = 0
  const lookAtMemory = (): void => {
    if (variant.slots !== null && (memory.statistics.refused > 0 || pressed)) shortOfMemory = Math.min(shortOfMemory, step)
  }
  // Levels come and go within a step.
  let pressed = false
  memory.onLevel((level) => {
    pressed ||= level !== MemoryLevel.Low
  })
  try {
    for (const one of kase.steps) {
      const sent = await play(world, one, held, coverage)
      lookAtMemory()
      if (world.isAhead) ahead = Math.min(ahead, step)
      out.push(sent.map(toHex))
      heard.push(world.heard)
      if (coverage !== undefined) coverage.sent += sent.length
      check(world)
      if (problems.length > 0) break
      step++
    }
    // What waits for time gets it: timeouts, retransmissions, TIME-WAIT.
    if (problems.length === 0) {
      out.push((await play(world, { advance: 200_000 }, held, coverage)).map(toHex))
      lookAtMemory()
      check(world)
    }
  } catch (error) {
    problems.push(`the run threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }
  const { connection } = world
  const end = connection === null ? null : { state: connection.state, bytesReceived: connection.info().bytesReceived }
  await finish(world, coverage)
  return { framing: world.framing, problems: problems.slice(0, MOST_PROBLEMS).map((problem) => `step ${step}: ${problem}`), heard, out, shortOfMemory, ahead, end }
}

async function play(world: World, step: Step, held: Held, coverage: Coverage | undefined): Promise<Uint8Array[]> {
  const { clock, wire, problems } = world
  const queued = queuedBytes(world)
  // Fragments of an answer, say, that wait for a neighbour's address.
  const waiting = world.memory.packets
  let bytesIn = 0
  let framesIn = 0
  if ('frames' in step) {
    const frames = step.frames.flatMap((frame) => {
      note(world, frame, coverage)
      return buildFrame(frame, world)
    })
    framesIn = frames.length
    for (const frame of frames) world.heard = hash(world.heard, frame)
    const { flows } = world
    world.hadBatch ||= framesIn > 1
    world.isAhead ||= world.hadBatch && ((flows.ahead > 0 && flows.ahead <= queued) || flows.isBeyond)
    flows.ahead = 0
    flows.isBeyond = false
    bytesIn = frames.reduce((sum, frame) => sum + frame.length, 0)
    wire.receive(frames)
  } else if ('advance' in step) await clock.advance(step.advance)
  else call(world, step.call, step.a, step.b, held)
  await clock.settle()
  const sent = world.look()
  await clock.settle()
  sent.push(...world.look())
  // What one frame makes a stack send is bounded: an answer, a resolution, what waited; pieces of what came in pieces.
  const allowed = 'frames' in step
    ? 8 + 4 * framesIn + bytesIn / 48 + queued / 24 + waiting
    : 'advance' in step ? 60 + step.advance / 10 + queued / 2 : 200 + queued / 24
  if (sent.length > allowed) problems.push(`${sent.length} packets went out for ${framesIn} frames of ${bytesIn} bytes, with ${queued} bytes and ${waiting} packets that waited`)
  return sent
}

/** FNV-1a. */
function hash(from: number, bytes: Uint8Array): number {
  let value = from
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x0100_0193)
  return value
}

function call(world: World, name: string, a: number, b: number, held: Held): void {
  const act = CALLS[name]
  if (act === undefined) throw new Error(`There is no call '${name}'.`)
  try {
    act(world, a, b, held)
  } catch (error) {
    world.checkError(name, error)
  }
}

/** Bytes that connections may send when they are allowed to. */
function queuedBytes({ stack }: World): number {
  return stack.tcp.connections().reduce((sum, connection) => sum + connection.unackedLength, 0)
}

function note(world: World, frame: Frame, coverage: Coverage | undefined): void {
  if (coverage === undefined) return
  coverage.frames++
  if (frame.is !== 'tcp' || frame.flow !== 0) return
  coverage.arrival(stateOf(world), frame.flags)
}

/** Of the connection of the setup, as its API and the tables say. */
function stateOf({ stack, stackPort, connection, setup }: World): string {
  const found = connection ?? stack.tcp.connections().find(({ local, remote }) => local.port === stackPort && remote.host === addressAt(setup.family, PEER))
  if (found !== undefined) return found.state
  return setup.state === 'listen' || setup.state === 'syn-received' ? setup.state : 'closed'
}

function check({ stack, memory, flows, problems }: World): void {
  problems.push(...flows.problems.splice(0))
  const illegal = stack.statistics().protocols['tcp']?.['illegalTransitions'] ?? 0
  if (illegal > 0) problems.push(`${illegal} transitions that the state diagram does not have`)
  if (stack.timers.armed > MOST_TIMERS) problems.push(`${stack.timers.armed} timers are armed`)
  if (memory.packets + memory.chunks > MOST_PACKETS_HELD) problems.push(`${memory.packets} packets and ${memory.chunks} chunks are held`)
}

async function finish(world: World, coverage: Coverage | undefined): Promise<void> {
  const { stack, clock, problems } = world
  if (coverage !== undefined) {
    coverage.cases++
    const { nics, protocols } = stack.statistics()
    coverage.counters({ ...protocols, nic: nics[world.nic.name] ?? {} })
  }
  const { doubleRelease, headerMisuse } = world.memory.memory.statistics
  stack.destroy()
  await clock.settle()
  problems.push(...leaksOf(stack), ...world.unsettled.map((what) => `after destroy, a promise did not settle: ${what}`))
  const after = world.memory.memory.statistics
  if (after.doubleRelease > doubleRelease) problems.push('something was released twice')
  if (after.headerMisuse > headerMisuse) problems.push('a header was pushed or consumed twice')
}
