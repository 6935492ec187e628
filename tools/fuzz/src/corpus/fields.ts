import { arpMessage, parseArp } from '@stack/arp/wire'
import { addSums, sumBytes } from '@stack/buffer'
import { readEcho } from '@stack/icmp/wire'
import { formatIpv4Address, inspectOptions, ipv4Header, optionsFound, parseIpv4Header } from '@stack/ipv4/wire'
import {
  ChainEnd, checkIpv6Header, checkNdpOptions, flowLabel, formatIpv6, HeaderCheck, hopLimit, newChain, nextHeader, payloadLength, readAddress, trafficClass, walkChain,
} from '@stack/ipv6/wire'
import { parseHeader, SegmentHeader } from '@stack/tcp/wire'
import { readUdpHeader } from '@stack/udp/wire'

/** What the wire modules read of a packet, by the names that tshark has for the fields. */
export type Fields = Record<string, string>

const ARP = 0x0806
const IPV4 = 0x0800
const IPV6 = 0x86dd

/** Reads a packet with every parser that applies. Never throws. */
export function readFields(bytes: Uint8Array, etherType: number, offset: number, isWhole: boolean): Fields {
  const fields: Fields = {}
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (etherType === ARP) readArp(view, offset, fields)
  else if (etherType === IPV4) readIpv4(bytes, view, offset, isWhole, fields)
  else if (etherType === IPV6) readIpv6(bytes, view, offset, isWhole, fields)
  return fields
}

function readArp(view: DataView, at: number, fields: Fields): void {
  const message = arpMessage()
  if (!parseArp(view, at, view.byteLength - at, message)) return
  fields['arp.opcode'] = String(message.operation)
  fields['arp.src.proto_ipv4'] = formatIpv4Address(message.sender)
  fields['arp.dst.proto_ipv4'] = formatIpv4Address(message.target)
}

/** tshark has 1 for good and 0 for bad. */
function status(sum: number): string {
  return sum === 0xffff ? '1' : '0'
}

function readIpv4(bytes: Uint8Array, view: DataView, at: number, isWhole: boolean, fields: Fields): void {
  const header = ipv4Header()
  if (parseIpv4Header(view, at, bytes.length - at, header) !== null) return
  const end = at + header.totalLength
  inspectOptions(view, at + 20, header.headerLength - 20, optionsFound())
  Object.assign(fields, {
    'ip.src': formatIpv4Address(header.source), 'ip.dst': formatIpv4Address(header.destination), 'ip.len': String(header.totalLength),
    'ip.hdr_len': String(header.headerLength), 'ip.ttl': String(header.ttl), 'ip.proto': String(header.protocol), 'ip.id': hex(header.id, 4),
    'ip.frag_offset': String(header.fragmentOffset), 'ip.flags.df': header.dontFragment ? '1' : '0', 'ip.flags.mf': header.moreFragments ? '1' : '0',
    'ip.checksum.status': status(sumBytes(bytes, at, at + header.headerLength)),
  })
  if (header.moreFragments || header.fragmentOffset > 0) return
  const start = at + header.headerLength
  readTransport(bytes, start, end, header.protocol, isWhole ? sumBytes(bytes, at + 12, at + 20) : null, fields)
}

function readIpv6(bytes: Uint8Array, view: DataView, at: number, isWhole: boolean, fields: Fields): void {
  const there = bytes.length - at
  if (checkIpv6Header(view, at, there, there) !== HeaderCheck.Ok) return
  const end = at + 40 + payloadLength(view, at)
  Object.assign(fields, {
    'ipv6.src': formatIpv6(readAddress(view, at + 8)), 'ipv6.dst': formatIpv6(readAddress(view, at + 24)), 'ipv6.plen': String(payloadLength(view, at)),
    'ipv6.nxt': String(nextHeader(view, at)), 'ipv6.hlim': String(hopLimit(view, at)), 'ipv6.flow': hex(flowLabel(view, at), 6), 'ipv6.tclass': hex(trafficClass(view, at), 2),
  })
  const chain = newChain()
  walkChain(view, at, end, true, chain)
  const quoted = newChain()
  walkChain(view, at, end, false, quoted)
  if (chain.end === ChainEnd.Upper) readTransport(bytes, chain.offset, end, chain.nextHeader, isWhole ? sumBytes(bytes, at + 8, at + 40) : null, fields)
}

/** @param addresses - their folded sum; null = the packet was cut, there is no checksum to look at */
function readTransport(bytes: Uint8Array, start: number, end: number, protocol: number, addresses: number | null, fields: Fields): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const sum = addresses === null ? null : sumBytes(bytes, start, end, addSums(addresses, addSums(protocol, (end - start) & 0xffff)))
  if (protocol === 6) readTcp(view, start, end, sum, fields)
  else if (protocol === 17) readUdp(bytes.subarray(start, end), sum, fields)
  else if (protocol === 1 || protocol === 58) {
    const echo = readEcho(bytes.subarray(start, end))
    const name = protocol === 1 ? 'icmp' : 'icmpv6'
    if (echo !== null) Object.assign(fields, { [`${name}.type`]: String(echo.type), [`${name}.code`]: String(echo.code) })
    if (protocol === 58) for (const fixed of [8, 16, 24, 40]) if (start + fixed <= end) checkNdpOptions(view, start + fixed, end)
  }
}

function readTcp(view: DataView, start: number, end: number, sum: number | null, fields: Fields): void {
  const header = new SegmentHeader()
  if (!parseHeader(view, start, end - start, header)) return
  Object.assign(fields, {
    'tcp.srcport': String(header.sourcePort), 'tcp.dstport': String(header.destinationPort), 'tcp.seq_raw': String(header.sequence >>> 0),
    'tcp.ack_raw': String(header.acknowledgment >>> 0), 'tcp.window_size_value': String(header.window), 'tcp.hdr_len': String(header.headerLength),
    'tcp.len': String(end - start - header.headerLength), 'tcp.urgent_pointer': String(header.urgentPointer),
    ...Object.fromEntries(['fin', 'syn', 'reset', 'push', 'ack', 'urg', 'ece', 'cwr'].map((name, bit) => [`tcp.flags.${name}`, String((header.flags >> bit) & 1)])),
    ...(header.mss === 0 ? {} : { 'tcp.options.mss_val': String(header.mss) }),
    ...(header.windowScale < 0 ? {} : { 'tcp.options.wscale.shift': String(header.windowScale) }),
    ...(header.timestamps ? { 'tcp.options.timestamp.tsval': String(header.timestampValue >>> 0), 'tcp.options.timestamp.tsecr': String(header.timestampEcho >>> 0) } : {}),
    ...(sum === null ? {} : { 'tcp.checksum.status': status(sum) }),
  })
}

function readUdp(bytes: Uint8Array, sum: number | null, fields: Fields): void {
  const header = readUdpHeader(bytes)
  if (header === null) return
  Object.assign(fields, { 'udp.srcport': String(header.sourcePort), 'udp.dstport': String(header.destinationPort), 'udp.length': String(header.length) })
  if (sum !== null && header.checksum !== 0 && header.length === bytes.length) fields['udp.checksum.status'] = status(sum)
}

function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`
}
