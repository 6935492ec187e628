import type { Script, ScriptOption } from '../language/ast.ts'
import { ScriptError, Unsupported } from '../language/error.ts'
import type { Family } from '../report/result.ts'

/** What a script's `--name=value` lines say. */
export interface RunOptions {
  /** µs; null = the default of 4 ms. */
  toleranceMicroseconds: number | null
  /** Of the gap to the event before; null = 12.5. */
  tolerancePercent: number | null
  families: readonly Family[] | null
  localAddress: string | null
  remoteAddress: string | null
  gateway: string | null
  /** Bits. */
  prefixLength: number | null
  mtu: number | null
  /** Kinds of events whose failure is told and does not end the script. */
  nonFatal: ReadonlySet<string>
  strictSegments: boolean
  /** µs of a tick of our timestamps; 0 = they are not compared. */
  timestampTick: number
  timestampEchoScaled: boolean
  bindPort: number | null
  connectPort: number | null
  /** The script is only to be read. */
  dryRun: boolean
  /** Key of TCP MD5 signatures. */
  md5Secret: string | null
}

const FAMILIES: readonly string[] = ['ipv4', 'ipv6', 'ipv4-mapped-ipv6']

/**
 * Options that say how the original tool runs, not what a stack must do. `mss` is how a network card is to have cut big
 * segments: ours go in and come out whole.
 */
const IRRELEVANT = new Set(['mss', 'verbose', 'debug', 'speed', 'send_omit_free', 'persistent_tun_dev', 'init_scripts', 'code_command', 'code_format', 'code_sockopt', 'so_filename', 'so_flags'])

/** Reads the options of a script. Throws ScriptError for a bad value, Unsupported for what has no meaning here. */
export function readOptions(script: Script): RunOptions {
  const options: RunOptions = {
    toleranceMicroseconds: null, tolerancePercent: null, families: null, localAddress: null, remoteAddress: null, gateway: null, prefixLength: null, mtu: null,
    nonFatal: new Set(), strictSegments: false, timestampTick: 0, timestampEchoScaled: false, bindPort: null, connectPort: null, dryRun: false, md5Secret: null,
  }
  for (const option of script.options) read(option, options)
  return options
}

function read(option: ScriptOption, options: RunOptions): void {
  const { name, value } = option
  switch (name) {
    case 'tolerance_usecs': options.toleranceMicroseconds = number(option); break
    case 'tolerance_percent': options.tolerancePercent = number(option); break
    case 'ip_version': options.families = [family(option)]; break
    case 'local_ip': options.localAddress = text(option); break
    case 'remote_ip': options.remoteAddress = text(option).split('/')[0]!; break
    case 'gateway_ip': options.gateway = text(option); break
    case 'netmask_ip': options.prefixLength = prefixLength(text(option)); break
    case 'mtu': options.mtu = number(option); break
    case 'bind_port': options.bindPort = number(option); break
    case 'connect_port': options.connectPort = number(option); break
    case 'non_fatal': options.nonFatal = new Set((value ?? 'packet,syscall').split(',')); break
    case 'strict_segments': options.strictSegments = value === null || value !== '0'; break
    case 'tcp_ts_tick_usecs': options.timestampTick = number(option); break
    case 'tcp_ts_ecr_scaled': options.timestampEchoScaled = value === null || value !== '0'; break
    case 'udp_encapsulation':
    case 'udp_encaps': throw new Unsupported('TCP in UDP (udp_encapsulation) is not there', option.at)
    case 'psp_udp_port': throw new Unsupported('PSP (psp_udp_port) is not there', option.at)
    case 'dry_run': options.dryRun = true; break
    case 'tcp_md5_secret': options.md5Secret = text(option); break
    default:
      if (name.startsWith('wire_')) throw new Unsupported(`--${name}: a script runs against a stack in memory, not over a wire`, option.at)
      if (!IRRELEVANT.has(name)) throw new ScriptError(`There is no option --${name}.`, option.at)
  }
}

function text(option: ScriptOption): string {
  if (option.value === null) throw new ScriptError(`--${option.name} needs a value.`, option.at)
  return option.value
}

function number(option: ScriptOption): number {
  const value = Number(text(option))
  if (!Number.isFinite(value) || value < 0) throw new ScriptError(`--${option.name} needs a number, not '${text(option)}'.`, option.at)
  return value
}

function family(option: ScriptOption): Family {
  const value = text(option)
  if (!FAMILIES.includes(value)) throw new ScriptError(`--ip_version is ${FAMILIES.join(', ')}, not '${value}'.`, option.at)
  return value as Family
}

/** `255.255.0.0` or `16` or `/16`. */
function prefixLength(mask: string): number {
  const bare = mask.replace(/^\//, '')
  if (!bare.includes('.')) return Number(bare)
  return bare.split('.').reduce((bits, byte) => bits + (Number(byte).toString(2).match(/1/g)?.length ?? 0), 0)
}
