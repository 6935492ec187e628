import { checkOptions, StackError } from '@stack/core'
import type { OptionSchema } from '@stack/core'
import type { ConnectionOptions, ConnectOptions, EcnPolicy, ForwardOptions, HandshakeOptions, ListenerSettings, ListenOptions, OpenError, TcpOptions } from './api.ts'
import { checkFastOpenConnect, checkFastOpenKey, checkFastOpenListen } from './fast-open-options.ts'
import { MAX_WINDOW_SCALE } from './wire.ts'

/** Every option decided. Shared by the connections that differ in none. */
export type Settings = Required<ConnectionOptions>

/** Every option of handshakes that others begin, decided. `synBacklog` null = as many as the backlog. */
export type Handshake = Omit<Required<HandshakeOptions>, 'synBacklog'> & { readonly synBacklog: number | null }

const MIB = 1024 * 1024
/** What a window field says at most (RFC 7323 §2.3). An integer, as Infinity would make windows doubles. */
const LARGEST_WINDOW = 65_535 << MAX_WINDOW_SCALE
/** Where buffers that tune themselves begin, bytes: what a window field without a scale tells. */
export const INITIAL_BUFFER = 65_536
/** In one stack, without the built-in ones. */
const MOST_ALGORITHMS = 64
/** The MSS of the narrowest link that IPv4 has (RFC 791 §3.2: 68 bytes). */
export const LEAST_MSS = 28
/** Options take 40 bytes at most (RFC 9293 §3.1), and 8 are left for text. */
const LEAST_SENT_MSS = 48
/** More than any send buffer holds. */
export const NO_LOW_WATER = 0x7fff_ffff

/** A size that may be told as window (RFC 7323 §2.3). */
const BUFFER = { type: 'number', integer: true, min: 4096, max: 512 * MIB } as const
const BUFFER_SCHEMA: OptionSchema<Pick<ConnectionOptions, 'sendBuffer' | 'receiveBuffer'>> = { sendBuffer: BUFFER, receiveBuffer: BUFFER }

const SEGMENT_SIZE = { type: 'number', integer: true, min: 64, max: 65_535 } as const

const CONNECTION_SCHEMA: OptionSchema<ConnectionOptions> = {
  noDelay: { type: 'boolean' },
  nagle: { type: 'any' },
  sendBuffer: { type: 'any' },
  receiveBuffer: { type: 'any' },
  maxSendBuffer: BUFFER,
  maxReceiveBuffer: BUFFER,
  userTimeout: { type: 'number', min: 0 },
  userTimeoutOption: { type: 'any' },
  keepAlive: { type: 'any' },
  delayedAck: { type: 'number', min: 0, max: 500 },
  quickAcks: { type: 'number', integer: true, min: 0, max: 65_535 },
  quickAckSmall: { type: 'boolean' },
  maximumSegmentSize: SEGMENT_SIZE,
  minimumSegmentSize: { type: 'number', integer: true, min: LEAST_SENT_MSS, max: 1460 },
  mtuProbing: { type: 'any' },
  mtuProbeBase: { type: 'number', integer: true, min: 64, max: 65_535 },
  timestamps: { type: 'boolean' },
  windowScale: { type: 'any' },
  windowClamp: { type: 'number', integer: true, min: 1024, max: LARGEST_WINDOW },
  receiveLowWater: { type: 'number', integer: true, min: 1 },
  notSentLowWater: { type: 'number', integer: true, min: 1, max: NO_LOW_WATER },
  cork: { type: 'boolean' },
  urgentInline: { type: 'boolean' },
  minimumRto: { type: 'number', min: 1, max: 60_000 },
  maximumRto: { type: 'number', min: 1000, max: 3_600_000 },
  rtoFloor: { type: 'any' },
  synRetries: { type: 'number', integer: true, min: 0, max: 127 },
  openErrors: { type: 'any' },
  synLinearRetries: { type: 'number', integer: true, min: 0, max: 127 },
  synOptionRetries: { type: 'any' },
  lingerTimeout: { type: 'number', min: 0 },
  finWait2Timeout: { type: 'any' },
  ecn: { type: 'any' },
  congestionControl: { type: 'string' },
  pacing: { type: 'boolean' },
  maxPacingRate: { type: 'any' },
  slowStartAfterIdle: { type: 'boolean' },
  ttl: { type: 'number', integer: true, min: 0, max: 255 },
  tos: { type: 'number', integer: true, min: 0, max: 255 },
  tailLossProbe: { type: 'boolean' },
  windowProbe: { type: 'any' },
  sack: { type: 'boolean' },
  insecureReset: { type: 'boolean' },
  insecureSyn: { type: 'boolean' },
  trace: { type: 'any' },
  authentication: { type: 'any' },
}

const CONNECT_SCHEMA: OptionSchema<ConnectOptions> = {
  ...CONNECTION_SCHEMA,
  host: { type: 'string' },
  port: { type: 'number', integer: true, min: 1, max: 65_535 },
  localHost: { type: 'string' },
  localPort: { type: 'number', integer: true, min: 0, max: 65_535 },
  nic: { type: 'any' },
  timeout: { type: 'number', min: 1 },
  fastOpen: { type: 'any' },
  signal: { type: 'signal' },
}

const HANDSHAKE_SCHEMA: OptionSchema<HandshakeOptions> = {
  synAckRetries: { type: 'number', integer: true, min: 0, max: 127 },
  synCookies: { type: 'string', oneOf: ['off', 'auto', 'always'] },
  synBacklog: { type: 'number', integer: true, min: 1, max: 1_000_000 },
  abortOnOverflow: { type: 'boolean' },
  deferAccept: { type: 'number', min: 0 },
}

const LISTEN_SCHEMA: OptionSchema<ListenOptions> = {
  ...CONNECTION_SCHEMA,
  ...HANDSHAKE_SCHEMA,
  host: { type: 'string' },
  port: { type: 'number', integer: true, min: 0, max: 65_535 },
  nic: { type: 'any' },
  backlog: { type: 'number', integer: true, min: 1, max: 1_000_000 },
  reusePort: { type: 'boolean' },
  fastOpen: { type: 'any' },
  signal: { type: 'signal' },
}

const FORWARD_SCHEMA: OptionSchema<ForwardOptions> = {
  nic: { type: 'any' },
  maxInFlight: { type: 'number', integer: true, min: 1, max: 1_000_000 },
  timeout: { type: 'number', min: 1 },
  signal: { type: 'signal' },
}

const ACCEPT_SCHEMA: OptionSchema<ConnectionOptions & { readonly signal?: AbortSignal | undefined }> = { ...CONNECTION_SCHEMA, signal: { type: 'signal' } }

const LISTENER_SCHEMA: OptionSchema<ListenerSettings> = { fastOpen: { type: 'any' }, maximumSegmentSize: SEGMENT_SIZE }

const TCP_SCHEMA: OptionSchema<TcpOptions> = {
  ...CONNECTION_SCHEMA,
  ...HANDSHAKE_SCHEMA,
  maxTimeWait: { type: 'number', integer: true, min: 1, max: 4_194_304 },
  timeWait: { type: 'number', min: 1 },
  maxConnections: { type: 'number', integer: true, min: 1 },
  maxOrphans: { type: 'number', integer: true, min: 0, max: 1_000_000 },
  synFin: { type: 'string', oneOf: ['take', 'no-open', 'drop'] },
  fastOpenExperimental: { type: 'boolean' },
  congestionControls: { type: 'any' },
  fastOpenKey: { type: 'any' },
  fastOpenCache: { type: 'number', integer: true, min: 1, max: 65_536 },
  fastOpenPause: { type: 'number', min: 0 },
}

const KEEP_ALIVE_SCHEMA: OptionSchema<Exclude<ConnectionOptions['keepAlive'], false | undefined>> = {
  idle: { type: 'number', min: 1 },
  interval: { type: 'number', min: 1 },
  count: { type: 'number', integer: true, min: 1, max: 127 },
}

const ECN_NAMES = ['off', 'passive', 'on', 'accurate'] as const
const ECN_KINDS = ['none', 'classic', 'accurate'] as const
const ECN_SCHEMA: OptionSchema<EcnPolicy> = {
  offer: { type: 'string', oneOf: ECN_KINDS },
  accept: { type: 'string', oneOf: ECN_KINDS },
  options: { type: 'string', oneOf: ['none', 'acks', 'all'] },
  capable: { type: 'string', oneOf: ['data', 'syn-ack', 'all'] },
  cwr: { type: 'string', oneOf: ['new', 'first'] },
  verify: { type: 'boolean' },
  retries: { type: 'any' },
}

const ECN_RETRIES_SCHEMA: OptionSchema = { retries: { type: 'number', integer: true, min: 0, max: 127 } }

const USER_TIMEOUT_SCHEMA: OptionSchema<Exclude<ConnectionOptions['userTimeoutOption'], boolean | undefined>> = {
  advertise: { type: 'number', min: 1000, max: 1_966_020_000 },
  adopt: { type: 'boolean' },
  least: { type: 'number', min: 0 },
  most: { type: 'number', min: 1 },
}

const SCALE_SCHEMA: OptionSchema = { windowScale: { type: 'number', integer: true, min: 0, max: MAX_WINDOW_SCALE } }
const PACING_SCHEMA: OptionSchema = { maxPacingRate: { type: 'number', min: 1 } }
const SYN_OPTION_SCHEMA: OptionSchema = { synOptionRetries: { type: 'number', integer: true, min: 0, max: 127 } }
const FIN_WAIT_2_SCHEMA: OptionSchema = { finWait2Timeout: { type: 'number', min: 0 } }

const OPEN_ERRORS: ReadonlySet<unknown> = new Set<OpenError>([
  'portUnreachable', 'protocolUnreachable', 'hostUnreachable', 'netUnreachable', 'prohibited', 'timeExceeded', 'parameterProblem',
])

/** RFC 9293 §3.8.4: at least two hours by default. */
export const KEEP_ALIVE_DEFAULTS = { idle: 7_200_000, interval: 75_000, count: 9 } as const

/** What is decided where nothing is said. All settings begin here and so have one shape: what reads them is compiled once. */
function defaults(): Settings {
  return {
    noDelay: false,
    nagle: 'minshall',
    sendBuffer: null,
    receiveBuffer: null,
    maxSendBuffer: 16 * MIB,
    maxReceiveBuffer: 16 * MIB,
    userTimeout: 0,
    userTimeoutOption: false,
    keepAlive: false,
    delayedAck: 40,
    quickAcks: 16,
    quickAckSmall: false,
    maximumSegmentSize: 65_535,
    minimumSegmentSize: LEAST_SENT_MSS,
    mtuProbing: 'black-hole',
    mtuProbeBase: 1024,
    timestamps: true,
    windowScale: null,
    windowClamp: LARGEST_WINDOW,
    receiveLowWater: 1,
    notSentLowWater: NO_LOW_WATER,
    cork: false,
    urgentInline: true,
    minimumRto: 200,
    maximumRto: 120_000,
    rtoFloor: 'timeout',
    synRetries: 7,
    openErrors: ['portUnreachable', 'protocolUnreachable', 'hostUnreachable', 'netUnreachable', 'prohibited'],
    synLinearRetries: 0,
    synOptionRetries: null,
    lingerTimeout: 60_000,
    finWait2Timeout: null,
    ecn: 'passive',
    congestionControl: 'cubic',
    pacing: false,
    maxPacingRate: null,
    slowStartAfterIdle: true,
    ttl: 0,
    tos: 0,
    tailLossProbe: true,
    windowProbe: 'octet',
    sack: true,
    insecureReset: false,
    insecureSyn: false,
    trace: null,
    authentication: null,
  }
}

const DEFAULTS: Settings = defaults()

export const HANDSHAKE_DEFAULTS: Handshake = {
  synAckRetries: 5,
  synCookies: 'auto',
  synBacklog: null,
  abortOnOverflow: false,
  deferAccept: 0,
}

/** What a schema cannot say. */
function checkShapes(what: string, options: ConnectionOptions): void {
  checkKeepAlive(what, options)
  checkEcn(what, options.ecn)
  checkUserTimeout(what, options)
  checkOpenErrors(what, options.openErrors)
  checkChoice(what, 'windowProbe', options.windowProbe, ['octet', 'empty'], 'a peer may be asked either way')
  checkChoice(what, 'nagle', options.nagle, ['minshall', 'classic'], 'to switch it off set noDelay')
  checkChoice(what, 'rtoFloor', options.rtoFloor, ['timeout', 'variance'])
  checkChoice(what, 'mtuProbing', options.mtuProbing, ['off', 'black-hole', 'always'])
  const trace: unknown = options.trace
  if (trace !== undefined && trace !== null && typeof trace !== 'function') {
    throw new StackError('ERR_STACK_INVALID_OPTION', `${what}: option 'trace' must be a function or null.`)
  }
  checkAuthentication(what, options.authentication)
  const { sendBuffer, receiveBuffer, windowScale, finWait2Timeout, synOptionRetries, maxPacingRate } = options
  if (sendBuffer !== undefined && sendBuffer !== null) checkOptions(what, { sendBuffer }, BUFFER_SCHEMA)
  if (receiveBuffer !== undefined && receiveBuffer !== null) checkOptions(what, { receiveBuffer }, BUFFER_SCHEMA)
  if (windowScale !== undefined && windowScale !== null && windowScale !== false) checkOptions(what, { windowScale }, SCALE_SCHEMA)
  if (finWait2Timeout !== undefined && finWait2Timeout !== null) checkOptions(what, { finWait2Timeout }, FIN_WAIT_2_SCHEMA)
  if (synOptionRetries !== undefined && synOptionRetries !== null) checkOptions(what, { synOptionRetries }, SYN_OPTION_SCHEMA)
  if (maxPacingRate !== undefined && maxPacingRate !== null) checkOptions(what, { maxPacingRate }, PACING_SCHEMA)
}

function checkEcn(what: string, ecn: unknown): void {
  if (ecn === undefined) return
  if (typeof ecn === 'object' && ecn !== null) {
    checkOptions(`${what}: ecn`, ecn, ECN_SCHEMA)
    const { retries } = ecn as EcnPolicy
    if (retries !== undefined && retries !== null) checkOptions(`${what}: ecn`, { retries }, ECN_RETRIES_SCHEMA)
    return
  }
  if (ECN_NAMES.includes(ecn as never)) return
  throw new StackError('ERR_STACK_INVALID_OPTION', `${what}: option 'ecn' must be one of ${ECN_NAMES.join(', ')}, or a policy { offer?, accept?, ... }.`)
}

function checkKeepAlive(what: string, options: ConnectionOptions): void {
  const value: unknown = options.keepAlive
  if (value === undefined || value === false) return
  if (typeof value !== 'object' || value === null) {
    throw new StackError('ERR_STACK_INVALID_OPTION', `${what}: option 'keepAlive' must be false or { idle?, interval?, count? }.`)
  }
  checkOptions(`${what}: keepAlive`, value, KEEP_ALIVE_SCHEMA)
}

function checkAuthentication(what: string, given: unknown): void {
  if (given === undefined || given === null) return
  const { prepare, forFlow } = (typeof given === 'object' ? given : {}) as { prepare?: unknown; forFlow?: unknown }
  if (typeof prepare === 'function' && typeof forFlow === 'function') return
  throw new StackError('ERR_STACK_INVALID_OPTION', `${what}: option 'authentication' must be null, or what md5() or ao() made.`)
}

function checkUserTimeout(what: string, options: ConnectionOptions): void {
  const value: unknown = options.userTimeoutOption
  if (value === undefined || typeof value === 'boolean') return
  if (typeof value !== 'object' || value === null) {
    throw new StackError('ERR_STACK_INVALID_OPTION', `${what}: option 'userTimeoutOption' must be a boolean or { advertise?, adopt?, least?, most? }.`)
  }
  checkOptions(`${what}: userTimeoutOption`, value, USER_TIMEOUT_SCHEMA)
}

function checkOpenErrors(what: string, given: unknown): void {
  if (given === undefined || (Array.isArray(given) && given.every((kind) => OPEN_ERRORS.has(kind)))) return
  throw new StackError('ERR_STACK_INVALID_OPTION', `${what}: option 'openErrors' must be an array of ${[...OPEN_ERRORS].join(', ')}.`)
}

function checkChoice(what: string, name: string, given: unknown, choices: readonly string[], hint?: string): void {
  if (given === undefined || choices.includes(given as string)) return
  const names = choices.map((choice) => `'${choice}'`).join(', ')
  throw new StackError('ERR_STACK_INVALID_OPTION', `${what}: option '${name}' must be one of ${names}${hint === undefined ? '' : `; ${hint}`}.`)
}

function checkAlgorithms(given: unknown): void {
  if (given === undefined) return
  if (!Array.isArray(given) || given.length > MOST_ALGORITHMS) throw badAlgorithms(`must be an array of at most ${MOST_ALGORITHMS} algorithms`)
  const names = new Set<unknown>(['cubic', 'reno'])
  for (const algorithm of given as unknown[]) {
    const { name, create } = (typeof algorithm === 'object' && algorithm !== null ? algorithm : {}) as { name?: unknown; create?: unknown }
    if (typeof name !== 'string' || name === '' || typeof create !== 'function') throw badAlgorithms('must have a name and a function create')
    if (names.has(name)) throw badAlgorithms(`has '${name}' twice, or it is built in: give it another name`)
    names.add(name)
  }
}

function badAlgorithms(what: string): StackError {
  return new StackError('ERR_STACK_INVALID_OPTION', `tcp(): option 'congestionControls' ${what}.`)
}

/** @throws StackError `ERR_STACK_INVALID_OPTION` */
export function checkTcpOptions(options: TcpOptions): void {
  checkOptions('tcp()', options, TCP_SCHEMA)
  checkShapes('tcp()', options)
  checkAlgorithms(options.congestionControls)
  checkFastOpenKey('tcp()', 'fastOpenKey', options.fastOpenKey)
}

/** @throws StackError `ERR_STACK_INVALID_OPTION` */
export function checkConnectOptions(options: ConnectOptions): void {
  checkOptions('tcp.connect()', options, CONNECT_SCHEMA)
  checkShapes('tcp.connect()', options)
  checkFastOpenConnect('tcp.connect()', options.fastOpen)
  for (const name of ['host', 'port'] as const) required('tcp.connect()', name, options[name])
}

/** @throws StackError `ERR_STACK_INVALID_OPTION` */
export function checkListenOptions(options: ListenOptions): void {
  checkOptions('tcp.listen()', options, LISTEN_SCHEMA)
  checkShapes('tcp.listen()', options)
  checkFastOpenListen('tcp.listen()', options.fastOpen)
  required('tcp.listen()', 'port', options.port)
}

/** @throws StackError `ERR_STACK_INVALID_OPTION` */
export function checkListenerSettings(options: ListenerSettings): void {
  checkOptions('listener.configure()', options, LISTENER_SCHEMA)
  checkFastOpenListen('listener.configure()', options.fastOpen)
}

/** @throws StackError `ERR_STACK_INVALID_OPTION` */
export function checkConnectionOptions(options: ConnectionOptions): void {
  checkOptions('connection.configure()', options, CONNECTION_SCHEMA)
  checkShapes('connection.configure()', options)
}

/** @throws StackError `ERR_STACK_INVALID_OPTION` */
export function checkForwardOptions(options: ForwardOptions, handler: unknown): void {
  checkOptions('tcp.forward()', options, FORWARD_SCHEMA)
  if (typeof handler !== 'function') throw new StackError('ERR_STACK_INVALID_ARGUMENT', 'tcp.forward(): the second argument must be a function that gets each request.')
}

/** @throws StackError `ERR_STACK_INVALID_OPTION` */
export function checkAcceptOptions(options: ConnectionOptions): void {
  checkOptions('request.accept()', options, ACCEPT_SCHEMA)
  checkShapes('request.accept()', options)
  if (options.authentication !== undefined) {
    throw new StackError('ERR_STACK_NOT_SUPPORTED', "request.accept(): option 'authentication' comes too late, as the SYN was judged: set it with tcp().")
  }
}

function required(what: string, name: string, value: unknown): void {
  if (value === undefined) throw new StackError('ERR_STACK_INVALID_OPTION', `${what}: option '${name}' is missing.`)
}

/** `base` with what `options` says; `base` itself when it says nothing. */
export function settle(base: Settings | null, options: ConnectionOptions): Settings {
  let result: Settings | null = base === null ? defaults() : null
  // By what is given, which is little, and not by what could be.
  for (const name of Object.keys(options) as (keyof Settings)[]) {
    const value = options[name]
    if (value === undefined || !Object.hasOwn(DEFAULTS, name)) continue
    result ??= Object.assign(defaults(), base)
    Object.assign(result, { [name]: value })
  }
  return result ?? base!
}

/** `base` with what `options` says. */
export function settleHandshake(base: Handshake, options: HandshakeOptions): Handshake {
  return {
    synAckRetries: options.synAckRetries ?? base.synAckRetries,
    synCookies: options.synCookies ?? base.synCookies,
    synBacklog: options.synBacklog ?? base.synBacklog,
    abortOnOverflow: options.abortOnOverflow ?? base.abortOnOverflow,
    deferAccept: options.deferAccept ?? base.deferAccept,
  }
}
