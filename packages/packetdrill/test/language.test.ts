import { describe, expect, it } from 'vitest'
import { parseScript } from '../src/index.ts'
import type { Action, CallAction, IcmpSpec, PacketAction, TcpSpec, UdpSpec } from '../src/index.ts'

function only(text: string): Action {
  const { events } = parseScript(text, 'one.pkt')
  expect(events).toHaveLength(1)
  return events[0]!.action
}
const packet = (text: string): PacketAction => only(`0 ${text}`) as PacketAction
const tcp = (text: string): TcpSpec => packet(text).body as TcpSpec
const icmp = (text: string): IcmpSpec => packet(text).body as IcmpSpec
const call = (text: string): CallAction => only(`0 ${text}`) as CallAction
const here = { at: expect.anything() as unknown }

describe('a script', () => {
  it('has lines that a definition chooses, and the others keep their numbers', () => {
    const text = '#ifdef A\n0 close(1) = 0\n#else\n0 close(2) = 0\n#ifndef B\n+1 close(3) = 0\n#endif\n#endif\n+2 close(4) = 0\n'
    const lines = (defines: Record<string, string>): number[] => parseScript(text, 'if.pkt', { defines }).events.map(({ at }) => at.line)
    expect([lines({ A: '' }), lines({}), lines({ B: '' })]).toEqual([[2, 9], [4, 6, 9], [4, 9]])
    expect(() => parseScript('#ifdef A\n0 close(1) = 0\n', 'if.pkt')).toThrow('not closed by #endif')
    expect(() => parseScript('#ifdef A\n#endif\n#endif\n', 'if.pkt')).toThrow('#endif without #ifdef')
  })

  it('has options, a command ahead of the events and one behind them', () => {
    const script = parseScript(
      '// what it is about\n\n--ip_version=ipv4   // only there\n--strict_segments\n--title="two words"\n`./set-up.sh\n sysctl -q net.ipv4.tcp_ecn=1`\n\n' +
        '0 close(3) = 0\n+.1 `echo /* no comment */ // neither`\n\n`./clean-up.sh`\n',
      'x.pkt',
    )
    expect(script.options.map(({ name, value }) => [name, value])).toEqual([['ip_version', 'ipv4'], ['strict_segments', null], ['title', 'two words']])
    expect(script.init).toEqual({ command: './set-up.sh\n sysctl -q net.ipv4.tcp_ecn=1', at: { line: 6, column: 1 } })
    expect(script.events.map((event) => event.text)).toEqual(['0 close(3) = 0', '+.1 `echo /* no comment */ // neither`'])
    expect(script.events[1]?.action).toEqual({ kind: 'shell', command: 'echo /* no comment */ // neither', at: { line: 10, column: 5 } })
    expect(script.cleanup?.command).toBe('./clean-up.sh')
  })

  it('may be nothing but comments', () => {
    expect(parseScript('/* nothing\n yet */ // at all', 'x.pkt')).toMatchObject({ options: [], init: null, events: [], cleanup: null })
  })

  it('keeps the lines of an event, without the comment behind it', () => {
    const script = parseScript('0 sendmsg(3, {msg_iov(1)=[{..., 10}], // here\n   msg_flags=0}, 0) = 10 // there\n+0 close(3) = 0', 'x.pkt')
    expect(script.events[0]?.text).toBe('0 sendmsg(3, {msg_iov(1)=[{..., 10}], // here\n   msg_flags=0}, 0) = 10')
    expect(script.events[1]?.at).toEqual({ line: 3, column: 1 })
  })

  it('says in a marker why it is expected to fail', () => {
    expect(parseScript('// A test.\n// expect-fail: later (RFC 7413)\n0 close(3) = 0', 'x.pkt').expectedFailure).toEqual({ why: 'later (RFC 7413)', at: { line: 2, column: 1 } })
    expect(parseScript('// expect-fail: issue 3 (RFC 9293)', 'x.pkt').expectedFailure?.why).toBe('issue 3 (RFC 9293)')
    expect(parseScript('0 close(3) = 0\n// expect-fail: later (RFC 7413)', 'x.pkt').expectedFailure).toBeNull()
  })
})

describe('a time', () => {
  it.each([
    ['0.5', { kind: 'absolute', seconds: 0.5, until: null, end: null }],
    ['+.1', { kind: 'relative', seconds: 0.1, until: null, end: null }],
    ['*', { kind: 'any', seconds: 0, until: null, end: null }],
    ['0.1~0.2', { kind: 'absolute', seconds: 0.1, until: 0.2, end: null }],
    ['+0~+.3', { kind: 'relative', seconds: 0, until: 0.3, end: null }],
    ['0...0.2', { kind: 'absolute', seconds: 0, until: null, end: 0.2 }],
    ['+.002 ... 0.052', { kind: 'relative', seconds: 0.002, until: null, end: 0.052 }],
  ])('%s', (text, time) => {
    expect(parseScript(`${text} accept(3, ..., ...) = 4`, 'x.pkt').events[0]?.time).toEqual(time)
  })
})

describe('a TCP segment', () => {
  it('has a direction, flags, a range, and what else is said', () => {
    expect(packet('> P. 1:1001(1000) ack 1 win 257 urg 3')).toMatchObject({ direction: 'expect', foreign: null, at: { line: 1, column: 3 } })
    expect(tcp('> P. 1:1001(1000) ack 1 win 257 urg 3')).toEqual({
      kind: 'tcp', ports: null, flags: 'P.', ace: null, sequence: 1, end: 1001, length: 1000, literalSequence: false,
      ack: 1, literalAck: false, window: 257, urgent: 3, options: null,
    })
    expect(tcp('< S 0:0(0)')).toMatchObject({ ack: null, window: null, urgent: null })
    expect(tcp('> . 1:1(0) ack 1 win ...').window).toBeNull()
  })

  it.each([
    ['-', '', null],
    ['.', '.', null],
    ['SEWA', 'SEWA', null],
    ['.5', '.', 5],
    ['5.', '.', 5],
    ['P5.', 'P.', 5],
    ['F2.', 'F.', 2],
    ['EAP.', 'EAP.', null],
  ])('flags %s', (written, flags, ace) => {
    expect(tcp(`<  ${written}   1:1(0)`)).toMatchObject({ flags, ace })
  })

  it('counts modulo 2^32', () => {
    expect(tcp('< . 4294967295:4(5) ack 1')).toMatchObject({ sequence: 4294967295, end: 4, length: 5 })
  })

  it('may give numbers as they are on the wire', () => {
    expect(tcp('> R. 0:0(0)! ack 7!')).toMatchObject({ literalSequence: true, ack: 7, literalAck: true })
  })

  it('may give ports', () => {
    expect(tcp('< 8080 > 1234 S 0:0(0)').ports).toEqual({ source: 8080, destination: 1234 })
  })

  it('may say something of the IP header, in square brackets or round ones', () => {
    expect(packet('>[noecn] . 1:1(0)').ip).toEqual({ ecn: 'noecn', tos: null, ttl: null, flowLabel: null, id: null })
    expect(packet('> [tos 0x4, ttl 64 id 7] . 1:1(0)').ip).toEqual({ ecn: null, tos: 4, ttl: 64, flowLabel: null, id: 7 })
    expect(packet('> (hlim 4) . 1:1(0)').ip.ttl).toBe(4)
    expect(packet('> (class 0x28) . 1:1(0)').ip.tos).toBe(0x28)
    expect(packet('> [ect01] (flowlabel 0xfffff) . 1:1(0)').ip).toMatchObject({ ecn: 'ect01', flowLabel: 0xfffff })
  })

  it('has options, any, or none', () => {
    expect(tcp('> S 0:0(0) <...>').options).toBe('any')
    expect(tcp('> S 0:0(0) <>').options).toEqual([])
    expect(tcp('> S 0:0(0) <mss 1460, sackOK,TS val 100 ecr ... , nop,wscale 8,eol>').options).toEqual([
      { kind: 'mss', value: 1460 }, { kind: 'sackOK' }, { kind: 'timestamp', value: 100, echo: null }, { kind: 'nop' }, { kind: 'wscale', value: 8 }, { kind: 'eol' },
    ])
    expect(tcp('> . 1:1(0) ack 1 <nop,nop,sack 1:2 3001:4001>').options).toEqual([
      { kind: 'nop' }, { kind: 'nop' }, { kind: 'sack', blocks: [{ start: 1, end: 2 }, { start: 3001, end: 4001 }] },
    ])
    expect(tcp('> . 1:1(0) ack 1 <ECN e1b 1 ceb 0 e0b 1,nop>').options).toEqual([
      { kind: 'accurateEcn', counters: [{ name: 'e1b', value: 1 }, { name: 'ceb', value: 0 }, { name: 'e0b', value: 1 }] }, { kind: 'nop' },
    ])
    expect(tcp('< . 1:1(0) <option 253 0xf989>').options).toEqual([{ kind: 'other', number: 253, bytes: Uint8Array.of(0xf9, 0x89) }])
  })

  it('may ask for a Fast Open cookie, give one, or name one', () => {
    const cookie = (option: string): unknown => (tcp(`< S 0:0(0) <${option},nop>`).options as readonly unknown[])[0]
    expect(cookie('FO')).toEqual({ kind: 'fastOpen', cookie: new Uint8Array(0), symbol: null })
    expect(cookie('FO abcd1234')).toEqual({ kind: 'fastOpen', cookie: Uint8Array.of(0xab, 0xcd, 0x12, 0x34), symbol: null })
    expect(cookie('FO ...')).toEqual({ kind: 'fastOpen', cookie: null, symbol: null })
    expect(cookie('FOEXP TFO_COOKIE')).toEqual({ kind: 'fastOpenExperimental', cookie: null, symbol: 'TFO_COOKIE' })
  })

  it('may be signed', () => {
    const digest = (option: string): unknown => (tcp(`< . 1:1(0) <${option}>`).options as readonly unknown[])[0]
    expect(digest('md5 00ff')).toEqual({ kind: 'md5', digest: Uint8Array.of(0, 255), valid: null })
    expect(digest('md5 valid')).toEqual({ kind: 'md5', digest: null, valid: true })
    expect(digest('md5 invalid')).toEqual({ kind: 'md5', digest: null, valid: false })
  })

  it('may use names that nothing defines, but then is foreign', () => {
    expect(packet('< S 0:0(0) <mss MSS>').foreign).toBe('the name MSS, which nothing defines (-D MSS=value)')
  })
})

describe('other packets', () => {
  it.each([
    ['< udp(1000)', null, 1000],
    ['> udp (8)', null, 8],
    ['< udp (8080 > 53) (8)', { source: 8080, destination: 53 }, 8],
    ['< udp (8080 > 53, 8)', { source: 8080, destination: 53 }, 8],
    ['< 8080 > 53 udp (8)', { source: 8080, destination: 53 }, 8],
  ])('%s', (text, ports, length) => {
    expect(packet(text).body as UdpSpec).toEqual({ kind: 'udp', ports, length })
  })

  it('ICMP has a type, a code, fields, and the packet that it is about', () => {
    const none = { kind: 'icmp', code: null, mtu: null, id: null, sequence: null, inner: null }
    expect(icmp('< icmp unreachable port_unreachable')).toEqual({ ...none, type: 'unreachable', code: 'port_unreachable' })
    expect(icmp('< icmp unreachable frag_needed mtu 1300 [1:1001(1000)]')).toEqual({
      ...none, type: 'unreachable', code: 'frag_needed', mtu: 1300, inner: { kind: 'tcp', sequence: 1, end: 1001, length: 1000 },
    })
    expect(icmp('< icmp packet_too_big mtu 1280 [udp (8)]')).toEqual({ ...none, type: 'packet_too_big', mtu: 1280, inner: { kind: 'udp', length: 8 } })
    expect(icmp('< icmp unreachable [raw(20)]').inner).toEqual({ kind: 'raw', length: 20 })
    expect(icmp('< icmp echo_request id 5 seq 6')).toEqual({ ...none, type: 'echo_request', id: 5, sequence: 6 })
    expect(icmp('< icmp type_255 code_0')).toEqual({ ...none, type: 'type_255', code: 'code_0' })
    expect(icmp('< [1:1(0)] icmp unreachable admin_prohibited')).toEqual({
      ...none, type: 'unreachable', code: 'admin_prohibited', inner: { kind: 'tcp', sequence: 1, end: 1, length: 0 },
    })
  })

  it('an ICMP message without a code does not take the time of the next event for one', () => {
    const script = parseScript('0 < icmp echo_reply\n1 < icmp 3 1\n2 close(3) = 0', 'x.pkt')
    expect(script.events.map(({ text }) => text)).toEqual(['0 < icmp echo_reply', '1 < icmp 3 1', '2 close(3) = 0'])
  })

  it.each([
    ['MPTCP', '> . 1:1(0) ack 1 <nop,mpcapable v1 flags[flag_h] key[ckey=2,skey] mpcdatalen 2,nop>'],
    ['MPTCP', '< addr[caddr] > addr[saddr] S 0:0(0) <mp_join_syn backup=1 token=sha256_32(skey)>'],
    ['PSP encapsulation', '< encap psp spi 7, vc 0x12 P. 1:501(500) ack 1'],
    ['encapsulation in IP', '< ipv4 2.2.2.2 > 1.1.1.1: gre:\n mpls (label 0, tc 7, [S], ttl 255): . 1:1001(1000) ack 1'],
    ['encapsulation in IP', '< ipv6 2::2222 > 1::1111 : . 1:1001(1000) ack 1'],
    ['SCTP', '> sctp: INIT[flgs=0, tag=1,\n  a_rwnd=..., ...]'],
    ['fault injection', '< . 1:1(0) ack 1 { mut ipv4 ihl; trun tcp 34-36 }'],
    ['UDP encapsulation', '< . 1:1(0) ack 1 / udp(9899 > 9899)'],
  ])('%s is parsed, and marked as foreign', (foreign, text) => {
    const { events } = parseScript(`0 ${text}\n+0 close(3) = 0`, 'x.pkt')
    expect(events).toHaveLength(2)
    expect((events[0]?.action as PacketAction).foreign).toBe(foreign)
  })
})

describe('a call', () => {
  it('has arguments, a result, an errno and a text', () => {
    expect(call('connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)')).toEqual({
      kind: 'call',
      name: 'connect',
      arguments: [{ kind: 'integer', value: 3, ...here }, { kind: 'ellipsis', ...here }, { kind: 'ellipsis', ...here }],
      result: { kind: 'integer', value: -1, ...here },
      errno: 'EINPROGRESS',
      note: 'Operation now in progress',
      at: { line: 1, column: 3 },
    })
    expect(call('fcntl(3, F_GETFL) = 0x2 (flags O_RDWR|O_NONBLOCK (both))')).toMatchObject({ result: { value: 2 }, errno: null, note: 'flags O_RDWR|O_NONBLOCK (both)' })
    expect(call('abort()')).toMatchObject({ arguments: [], result: null })
  })

  it('joins flags', () => {
    expect(call('socket(..., SOCK_STREAM | SOCK_NONBLOCK, ~0) = 3').arguments.slice(1)).toEqual([
      { kind: 'or', operands: [{ kind: 'symbol', name: 'SOCK_STREAM', ...here }, { kind: 'symbol', name: 'SOCK_NONBLOCK', ...here }], ...here },
      { kind: 'not', operand: { kind: 'integer', value: 0, ...here }, ...here },
    ])
  })

  it('takes arrays and structs of structs', () => {
    const { arguments: args } = call('sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 500},{...,0x10}], msg_flags=0, cmsg={a={b=1.5}}}, 0) = 516')
    expect(args[1]).toMatchObject({
      kind: 'struct',
      fields: [
        { name: 'msg_name', size: { kind: 'ellipsis' }, value: { kind: 'ellipsis' } },
        { name: 'msg_iov', size: { value: 2 }, value: { kind: 'array', items: [{ fields: [{ name: null, value: { kind: 'ellipsis' } }, { value: { value: 500 } }] }, { kind: 'struct' }] } },
        { name: 'msg_flags', size: null, value: { value: 0 } },
        { name: 'cmsg', value: { fields: [{ value: { fields: [{ name: 'b', value: { kind: 'decimal', value: 1.5 } }] } }] } },
      ],
    })
  })

  it('takes functions and strings, whose characters are bytes', () => {
    expect(call(String.raw`bind(3, {sin_port=htons(8080), sin_addr=inet_addr("10.0.0.1")}, "\xa1\"\n\0\101") = 0`).arguments.slice(1)).toMatchObject([
      { fields: [{ value: { kind: 'function', name: 'htons', arguments: [{ value: 8080 }] } }, { value: { arguments: [{ kind: 'string', value: '10.0.0.1' }] } }] },
      { kind: 'string', value: '\xa1"\n\0A' },
    ])
  })
})

it('code is kept as it is', () => {
  expect(only('0 %{\nassert tcpi_snd_cwnd == 10, "a // b"\n}%')).toEqual({ kind: 'code', code: '\nassert tcpi_snd_cwnd == 10, "a // b"\n', at: { line: 1, column: 3 } })
})

describe('names', () => {
  const defined = (text: string, defines: Record<string, string>): unknown => parseScript(`0 ${text}`, 'x.pkt', { defines }).events[0]?.action

  it('stand for numbers in packets', () => {
    expect(defined('< S 0:0(0) win WINDOW <mss MSS>', { WINDOW: '0xffff', MSS: '1400' })).toMatchObject({ foreign: null, body: { window: 65535, options: [{ kind: 'mss', value: 1400 }] } })
    expect(() => defined('< S 0:0(0) win WINDOW', { WINDOW: 'wide' })).toThrow('WINDOW is defined as wide, and a number is needed')
  })

  it('stand for cookies and ICMP codes', () => {
    expect(defined('< S 0:0(0) <FO COOKIE>', { COOKIE: '0aff' })).toMatchObject({ body: { options: [{ cookie: Uint8Array.of(10, 255), symbol: null }] } })
    expect(() => defined('< S 0:0(0) <FO COOKIE>', { COOKIE: '0af' })).toThrow('COOKIE is defined as 0af, and a cookie is an even number of hexadecimal digits')
    expect(defined('< icmp unreachable CODE [1:1(0)]', { CODE: 'host_unreachable' })).toMatchObject({ body: { code: 'host_unreachable' } })
  })

  it('stand for numbers and other names in calls', () => {
    expect(defined('f({level=LEVEL, LEVEL=2}, SIZE) = 0', { LEVEL: 'SOL_IP', SIZE: '-8' })).toMatchObject({
      arguments: [{ fields: [{ name: 'level', value: { kind: 'symbol', name: 'SOL_IP' } }, { name: 'LEVEL', value: { value: 2 } }] }, { kind: 'integer', value: -8 }],
    })
  })
})
