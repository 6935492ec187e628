import fc, { type Arbitrary } from 'fast-check'
import { TCP_STATES } from '@stack/testing'
import type {
  ArpFrame, Call, Case, EchoFrame, ErrorFrame, Extension, Fragments, Frame, HeaderOption, LinkHeader, NdpFrame, Net, OtherFrame, Place, Setup, Spoil, Step, TcpFrame,
  UdpFrame,
} from './case.ts'

/*
 * What cases are made of. The simplest value of each is what a good peer would send: cases shrink towards traffic that is
 * all right, and most of what they hold is.
 */

/** `usual`, but for one time in `n` something of `others`. */
function mostly<T, U>(usual: Arbitrary<T>, others: Arbitrary<U>, n = 8): Arbitrary<T | U> {
  return fc.oneof({ weight: n - 1, arbitrary: usual }, { weight: 1, arbitrary: others })
}

function rarely<T>(arbitrary: Arbitrary<T>, n = 8): Arbitrary<T | undefined> {
  return mostly(fc.constant(undefined), arbitrary, n)
}

/** Leaves properties that are undefined out: JSON has none, and what is kept should be short. */
function lean<T extends object>(arbitrary: Arbitrary<{ [K in keyof T]: T[K] | undefined }>): Arbitrary<T> {
  return arbitrary.map((value) => Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T)
}

/** Frames are made without knowing the setup, so that both shrink alone: 'ipv4' stands for the family of the case, 'ipv6' for the other. */
const FAMILY = mostly(fc.constant('ipv4' as const), fc.constant('ipv6' as const), 20)

const byte = fc.integer({ min: 0, max: 255 })
const word = mostly(fc.integer({ min: 0, max: 65_535 }), fc.constantFrom(0, 1, 7, 8, 20, 39, 40, 65_535), 2)
const bytes = (maxLength: number): Arbitrary<readonly number[]> => fc.array(byte, { maxLength })

function option(numbers: readonly number[], maxLength: number): Arbitrary<HeaderOption> {
  return lean<HeaderOption>(fc.record({ number: mostly(fc.constantFrom(...numbers), byte), data: bytes(maxLength), length: rarely(byte, 4) }))
}

const OPTIONS = [1, 7, 68, 131, 137, 148, 0]
const ipv6Option = option([1, 5, 0xc2, 0x3e, 0x7e, 0xbe, 0xfe, 0], 10)
const ndpOption = option([1, 2, 3, 4, 5, 14, 25], 30)
const tcpOption = option([2, 3, 4, 5, 8, 19, 28, 34, 254, 30, 172], 12)

const extension: Arbitrary<Extension> = lean<Extension>(fc.record({
  header: fc.constantFrom('hopByHop', 'destinationOptions', 'routing', 'fragment'),
  options: fc.array(ipv6Option, { maxLength: 3 }),
  segmentsLeft: rarely(byte),
}))

const fragments: Arbitrary<Fragments> = fc.record({
  size: fc.constantFrom(8, 16, 512, 1240),
  identification: fc.integer({ min: 1, max: 4 }),
  order: fc.constantFrom('forward', 'backward'),
  lost: mostly(fc.constant(-1), fc.integer({ min: 0, max: 4 }), 3),
  twice: mostly(fc.constant(-1), fc.integer({ min: 0, max: 4 }), 3),
  shift: mostly(fc.constant(0), fc.constantFrom(8, -8, 16, 65_528, -64), 4),
})

const addressIndex = fc.integer({ min: 0, max: 12 })

/** How far the header is from what it should be: in `n` headers, one of each kind of trouble. */
function net(n: number): Arbitrary<Net> {
  return lean<Net>(fc.record({
    family: FAMILY,
    source: rarely(addressIndex, n), destination: rarely(addressIndex, n), ttl: rarely(fc.constantFrom(0, 1, 255), n), tos: rarely(byte, n),
    length: rarely(word, n), protocol: rarely(byte, n), fragments: rarely(fragments, Math.max(3, n >> 1)),
    options: rarely(fc.array(option(OPTIONS, 10), { maxLength: 3 }), n), headerLength: rarely(fc.integer({ min: 0, max: 15 }).map((words) => words * 4), n),
    checksum: rarely(word, n * 2), extensions: rarely(fc.array(extension, { maxLength: 3 }), Math.max(3, n >> 1)),
  }))
}

const spoil: Arbitrary<readonly Spoil[] | undefined> = rarely(fc.array(fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: fc.integer({ min: 0, max: 120 }), bit: fc.integer({ min: 0, max: 7 }) }),
  fc.record({ kind: fc.constant('cut' as const), length: fc.integer({ min: 0, max: 80 }) }),
  fc.record({ kind: fc.constant('extend' as const), length: fc.integer({ min: 1, max: 40 }) }),
), { minLength: 1, maxLength: 3 }), 12)

const linkHeader: Arbitrary<LinkHeader | undefined> = rarely(lean<LinkHeader>(fc.record({
  destination: rarely(fc.constantFrom('broadcast', 'multicast', 'other'), 2), type: rarely(fc.constantFrom(0, 0x0600, 0x05dc, 0x0806, 0x0800, 0x86dd, 0x88cc), 4),
  vlan: rarely(fc.integer({ min: 0, max: 4095 }), 4), pad: rarely(fc.constant(true), 2),
})), 10)

const common = (n: number) => ({ net: net(n), spoil, link: linkHeader })

const place = (usual: Place[0], ...others: Place[0][]): Arbitrary<Place> => mostly(
  fc.constant<Place>([usual, 0]),
  fc.tuple(fc.constantFrom(usual, ...others), mostly(fc.integer({ min: -3, max: 3 }), fc.constantFrom(-1460, 1460, -5000, 5000, 65_535, 0x7fffffff, -0x7fffffff), 3)),
  3,
)

/** Some bytes of text: none, a few, a segment, more than a segment. */
const text = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 20 }), fc.constantFrom(536, 1400, 1460, 4000, 20_000))

/** Bytes of some full segments, and of a half. */
const segments = fc.tuple(fc.integer({ min: 0, max: 8 }), fc.constantFrom(1448, 1460, 1440, 1428, 536, 1)).map(([count, size]) => count * size)

/** What a peer sends that is in order and loses some: ACKs of all or of some, with or without SACK blocks, and text. */
const goodSegment: Arbitrary<TcpFrame> = lean<TcpFrame>(fc.record({
  is: fc.constant('tcp' as const), net: fc.record({ family: fc.constant('ipv4' as const) }), flow: fc.constant(0), flags: fc.constantFrom('A', 'PA'),
  seq: mostly(fc.constant<Place>(['next', 0]), segments.map((offset): Place => ['next', offset]), 5),
  ack: fc.oneof(fc.constant<Place>(['next', 0]), fc.constant<Place>(['expected', 0]), segments.map((offset): Place => ['expected', offset])),
  win: mostly(fc.constant(65_535), fc.constantFrom(0, 1000), 8), text: mostly(fc.constant(0), fc.constantFrom(1, 100, 1448, 1460), 3), ts: fc.constant(0),
  sack: rarely(fc.array(fc.tuple(segments, segments).map(([left, length]) => [left, left + length] as const), { minLength: 1, maxLength: 3 }), 2),
}))

const anySegment: Arbitrary<TcpFrame> = lean<TcpFrame>(fc.record({
  is: fc.constant('tcp' as const), ...common(40),
  flow: mostly(fc.constant(0), fc.integer({ min: 1, max: 6 }), 8),
  flags: mostly(fc.constantFrom('A', 'PA', 'A', 'FA', 'S', 'SA', 'R', 'RA'), fc.subarray(['S', 'F', 'R', 'P', 'A', 'U', 'E', 'C']).map((letters) => letters.join('')), 6),
  seq: place('next', 'expected', 'edge', 'start', 'wild'), ack: place('next', 'expected', 'start', 'wild'),
  win: mostly(fc.constant(65_535), fc.constantFrom(0, 1, 100, 1460, 30_000), 3), text: mostly(text, fc.integer({ min: 0, max: 60_000 }), 10),
  ts: mostly(fc.constant(0), fc.constantFrom(undefined, -1, -100_000, 0x7fffffff), 10),
  mss: rarely(fc.constantFrom(1460, 0, 1, 88, 536, 65_535), 5), scale: rarely(fc.integer({ min: 0, max: 255 }), 8), sackPermitted: rarely(fc.constant(true), 5),
  sack: rarely(fc.array(fc.tuple(mostly(fc.integer({ min: 0, max: 8000 }), fc.integer({ min: -0x7fffffff, max: 0x7fffffff }), 6), fc.integer({ min: 0, max: 12_000 })), { minLength: 1, maxLength: 5 }), 5),
  options: rarely(fc.array(tcpOption, { maxLength: 3 }), 15), urgent: rarely(word, 20), headerLength: rarely(fc.integer({ min: 0, max: 15 }).map((words) => words * 4), 30),
}))

export const tcpFrame: Arbitrary<TcpFrame> = fc.oneof(goodSegment, anySegment)

/** Segments of a stream as they come in one batch: what a NIC may merge. */
export const tcpBurst: Arbitrary<readonly TcpFrame[]> = fc.tuple(goodSegment, fc.constantFrom(1448, 100, 1, 1460), fc.integer({ min: 2, max: 12 })).map(([first, text, count]) => {
  const { sack: _, ...segment } = { ...first, seq: ['next', 0] as Place, text }
  return Array.from({ length: count }, (_unused, i) => ({ ...segment, flags: i === count - 1 ? segment.flags : 'A' }))
})

export const udpFrame: Arbitrary<UdpFrame> = lean<UdpFrame>(fc.record({
  is: fc.constant('udp' as const), ...common(12), from: mostly(fc.integer({ min: 5000, max: 5002 }), fc.constantFrom(0, 7, 65_535)),
  to: fc.constantFrom(7, 9, 7, 10, 0, 49_152, 65_535), text: mostly(text, fc.integer({ min: 0, max: 60_000 }), 10), length: rarely(word), checksum: rarely(word),
}))

export const echoFrame: Arbitrary<EchoFrame> = lean<EchoFrame>(fc.record({
  is: fc.constant('echo' as const), ...common(8), reply: mostly(fc.constant(false), fc.constant(true), 4), identifier: word, sequence: word,
  text: mostly(text, fc.integer({ min: 0, max: 60_000 }), 10),
}))

export const errorFrame: Arbitrary<ErrorFrame> = lean<ErrorFrame>(fc.record({
  is: fc.constant('error' as const), ...common(20), type: fc.integer({ min: 0, max: 6 }), code: mostly(fc.integer({ min: 0, max: 5 }), byte),
  parameter: mostly(fc.constantFrom(0, 68, 576, 1280, 1400, 1500), fc.integer(), 4), quote: fc.integer({ min: 0, max: 6 }), cut: fc.constantFrom(200, 28, 48, 8, 0, 20, 40, 60, 1200),
}))

export const arpFrame: Arbitrary<ArpFrame> = lean<ArpFrame>(fc.record({
  is: fc.constant('arp' as const), net: fc.constant<Net>({ family: 'ipv4' }), spoil, link: linkHeader, operation: mostly(fc.constantFrom(1, 2), word, 10),
  sender: mostly(fc.constant(0), addressIndex, 3), target: mostly(fc.constant(1), addressIndex, 3), senderLink: mostly(fc.constant(0), fc.integer({ min: 0, max: 5 }), 3),
  hardwareType: rarely(word, 20), lengths: rarely(byte, 20),
}))

export const ndpFrame: Arbitrary<NdpFrame> = lean<NdpFrame>(fc.record({
  is: fc.constant('ndp' as const), ...common(10), type: mostly(fc.constantFrom(135, 136), fc.constantFrom(133, 134, 137, 130, 131, 132, 143), 3),
  target: mostly(fc.constantFrom(1, 0), addressIndex, 3), flags: fc.integer({ min: 0, max: 15 }), options: fc.array(ndpOption, { maxLength: 3 }),
  hopLimit: mostly(fc.constant(255), byte, 10),
}))

export const otherFrame: Arbitrary<OtherFrame> = lean<OtherFrame>(fc.record({
  is: fc.constant('other' as const), ...common(5), bytes: mostly(bytes(64), fc.tuple(fc.constantFrom(0x45, 0x60, 0x4f), bytes(100)).map(([first, rest]) => [first, ...rest]), 2),
  bare: mostly(fc.constant(false), fc.constant(true), 3),
}))

function callStep(names: readonly string[]): Arbitrary<Call> {
  return fc.record({ call: fc.constantFrom(...names), a: mostly(fc.integer({ min: 0, max: 3000 }), fc.constantFrom(0, 1, 1460, 20_000, 60_000), 2), b: mostly(fc.constant(0), fc.integer({ min: 0, max: 7 }), 4) })
}

const advance: Arbitrary<Step> = fc.record({ advance: mostly(fc.integer({ min: 0, max: 300 }), fc.constantFrom(1000, 3000, 31_000, 61_000), 4) })

const ERROR_TYPES = { ipv4: [3, 3, 11, 12, 4, 5, 0], ipv6: [1, 2, 3, 4, 1, 100, 127] } as const

/** What a frame says that was made without knowing the setup. */
function settled(frame: Frame, { family, modern }: Setup): Frame {
  const own = frame.net.family === 'ipv4' ? family : family === 'ipv4' ? 'ipv6' : 'ipv4'
  const net = { ...frame.net, family: own }
  if (frame.is === 'arp' || frame.is === 'ndp') return frame
  if (frame.is === 'error') return { ...frame, net, type: ERROR_TYPES[own][frame.type]! }
  if (frame.is !== 'tcp' || modern) return { ...frame, net }
  const { ts, ...rest } = frame
  return { ...rest, net, ...(ts === undefined || ts === 0 ? {} : { ts }) }
}

/** A case of these parts. */
export function caseOf(setups: Arbitrary<Setup>, steps: Arbitrary<readonly Step[]>): Arbitrary<Case> {
  return fc.record({ setup: setups, steps }).map((kase) => ({
    setup: kase.setup,
    steps: kase.steps.map((step) => ('frames' in step ? { frames: step.frames.map((frame) => settled(frame, kase.setup)) } : step)),
  }))
}

export interface StepOptions {
  /** Default 24. */
  readonly maxLength?: number
  /** Batches of frames that belong together. Default null: none. */
  readonly burst?: Arbitrary<readonly Frame[]> | null
}

/** Sequences of frames, time and calls. */
export function stepsOf(frame: Arbitrary<Frame>, calls: readonly string[], { maxLength = 24, burst = null }: StepOptions = {}): Arbitrary<readonly Step[]> {
  const mixed = fc.array(frame, { minLength: 2, maxLength: 8 })
  const several = burst === null ? mixed : fc.oneof(mixed, burst, fc.tuple(burst, mixed).map(([first, second]) => [...first, ...second]))
  const batch = fc.record({ frames: mostly(fc.array(frame, { minLength: 1, maxLength: 1 }), several, 5) })
  return fc.array(fc.oneof<{ weight: number; arbitrary: Arbitrary<Step> }[]>(
    { weight: 6, arbitrary: batch }, { weight: calls.length === 0 ? 0 : 3, arbitrary: calls.length === 0 ? advance : callStep(calls) }, { weight: 1, arbitrary: advance },
  ), { minLength: 1, maxLength, size: 'max' })
}

export function setup({ hasTcp, framing, family }: { readonly hasTcp: boolean; readonly framing?: Setup['framing']; readonly family?: Setup['family'] }): Arbitrary<Setup> {
  return fc.record<Setup>({
    framing: framing === undefined ? fc.constantFrom('ip', 'ethernet') : fc.constant(framing),
    family: family === undefined ? fc.constantFrom('ipv4', 'ipv6') : fc.constant(family),
    mtu: fc.constantFrom(1500, 1280, 9000),
    state: hasTcp ? mostly(fc.constant('established' as const), fc.constantFrom(...TCP_STATES), 2) : fc.constant(null),
    open: fc.constantFrom('active', 'passive'), modern: fc.boolean(),
    tcp: fc.record({
      noDelay: fc.boolean(), delayedAck: fc.constantFrom(40, 0, 500), receiveBuffer: fc.constantFrom(65_536, 4096, 5000, 1_048_576), sendBuffer: fc.constantFrom(262_144, 4096),
      keepAlive: fc.boolean(), sack: fc.constantFrom(true, true, false), timestamps: fc.constantFrom(true, true, false),
    }),
    forwarding: mostly(fc.constant(false), fc.constant(true), 5), resolves: fc.boolean(),
  })
}
