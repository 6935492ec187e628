import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseScript, ScriptError } from '../src/index.ts'

function errorOf(text: string): ScriptError {
  try {
    parseScript(text, 'scripts/wrong.pkt')
  } catch (error) {
    if (error instanceof ScriptError) return error
    throw error
  }
  throw new Error(`this parses: ${text}`)
}

describe('mistakes', () => {
  it('are shown in their line', () => {
    expect(errorOf('0 close(3) = 0\n\t+.1 > P 1:10(10) ack 1\n').message).toBe(
      'scripts/wrong.pkt:2:10: 1:10 is 9 bytes, not 10\n' +
      '  \t+.1 > P 1:10(10) ack 1\n' +
      '  \t        ^',
    )
  })

  // `¦` stands ahead of the place that the error names.
  it.each([
    ['0 > P. ¦1:10(10) ack 1', '1:10 is 9 bytes, not 10'],
    ['0 > S¦X 0:0(0)', '`X` is no TCP flag: they are S F R P E W A U, `.` for ACK, `-` for none, a digit 0–7 for ACE'],
    ['0 > S.¦S 0:0(0)', 'the flag S stands twice'],
    ['0 > .5¦5 0:0(0)', '`5` is no TCP flag: they are S F R P E W A U, `.` for ACK, `-` for none, a digit 0–7 for ACE'],
    ['0 > . 1:1(0) win ¦many', 'win needs a number, not `many`'],
    ['0 > . 1:1(0) ¦wni 1', 'expected the time of an event (0.5, +.1, *), not `wni`'],
    ['0 > S 0:0(0) <mss ¦70000>', 'mss is at most 65535, not 70000'],
    ['0 > S 0:0(0) <¦msss 1460>', 'expected a TCP option (nop, eol, mss, wscale, sackOK, sack, TS, FO, FOEXP, md5, ECN, option), not `msss`'],
    ['0 > S 0:0(0) <mss 1460 ¦nop>', 'expected `,` or `>` behind a TCP option, not `nop`'],
    ['0 > S 0:0(0) <TS val 1¦, nop>', 'expected `ecr` (TS val N ecr N), not `,`'],
    ['0 > S 0:0(0) <nop,FO ¦123>', 'a cookie is an even number of hexadecimal digits, a name, or `...`, not `123`'],
    ['0 > S 0 ¦0(0)', 'expected `:` between the sequence numbers (seq:end(len)), not `0`'],
    ['0 < ¦70000 > 1 S 0:0(0)', 'a port is at most 65535'],
    ['0 < [ect0 ¦idx] . 1:1(0)', 'expected ect0, ect1, ect01, ce, noecn, tos, class, ttl, hlim, flowlabel or id of the IP header, not `idx`'],
    ['0 < (ttl ¦256) . 1:1(0)', 'ttl is at most 255, not 256'],
    ['0 close(3 ¦+0 close(4) = 0', 'expected `,` or `)` in the arguments of close, not `+`'],
    ['0 close(3) =  ¦', 'expected a result behind `=`, not the end of the script'],
    ['0 close(3) = 0 ¦(so\n', 'the text behind the result is not closed by )'],
    ['0 write(3,"¦abc', 'the string that begins in column 11 is not closed by "'],
    ['0 poll(1, 2,{¦3=4}) = 0', 'expected the name of a field ahead of `=`'],
    ['0 close(3) = 0\n\n ¦listen(3, 1) = 0', 'expected the time of an event (0.5, +.1, *), not `listen`'],
    ['0 ¦= 0', 'expected a call, a packet, a command or code behind the time, not `=`'],
    ['0 close ¦3', 'expected `(` behind the call close, not `3`'],
    ['0.2 close(3) = 0\n¦0.1 close(4) = 0', 'absolute times never go back: 0.1 behind 0.2'],
    ['¦+2~+1 close(3) = 0', 'the range ends (1) before it begins (2)'],
    ['¦+1~2 close(3) = 0', 'the ends of a range are both relative (+a~+b) or both absolute (a~b)'],
    ['+1~+¦close(3) = 0', 'a range needs its other end: expected seconds, not `close`'],
    ['¦0...1 > S 0:0(0)', 'only a call blocks: a time with an end (a...b) needs a call'],
    ['0 ¦%{ assert 1', 'the code is not closed by }%'],
    ['// a\n¦`sysctl', 'the command is not closed by `'],
    ['0 close(3) = 0\n¦/* so', 'the comment is not closed by */'],
    ['0 close(3) = 0\n¦--mss=3', 'options stand ahead of the events'],
    ['¦--=3', 'an option reads `--name` or `--name=value`'],
    ['`a` `b` ¦`c`', 'nothing stands behind the last command; a command between events begins with a time. This is ```'],
    ['¦// expect-fail: some day', 'an expect-fail marker reads `// expect-fail: issue 3 (RFC 9293)` or `// expect-fail: later (RFC 7413)`'],
    ['0 < icmp ¦[1:1(0)]', 'expected a type of ICMP message, not `[`'],
    ['0 < [1:1(0)] ¦S 0:0(0)', 'expected `icmp` behind the packet that it is about, not `S`'],
    ['0 < udp(¦x)', 'the length of the UDP payload needs a number, not `x`'],
  ])('%s', (marked, reason) => {
    const before = marked.slice(0, marked.indexOf('¦')).split('\n')
    const error = errorOf(marked.replace('¦', ''))
    expect(error.reason).toBe(reason)
    expect([error.line, error.column]).toEqual([before.length, before.at(-1)!.length + 1])
    expect(error.path).toBe('scripts/wrong.pkt')
  })

  it('lists within lists have a bound', () => {
    expect(errorOf(`0 f(${'['.repeat(100_000)}`).reason).toBe('more than 32 lists within lists')
    expect(errorOf(`0 f(${'~'.repeat(100_000)}`).reason).toBe('more than 32 lists within lists')
    expect(errorOf(`0 f(${'{a='.repeat(100_000)}`).reason).toBe('more than 32 lists within lists')
  })
})

describe('whatever the text', () => {
  const SCRIPT = `--ip_version=ipv4
\`./defaults.sh
 sysctl -q net.ipv4.tcp_ecn=1\`
    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0...0.2 connect(3, {sa_family=AF_INET, sin_port=htons(8080)}, ...) = -1 EINPROGRESS (Operation now in progress)
+0~+.1 > [ect0, ttl 4] SEW 0:0(0) win 10 <mss 1460,nop,nop,sackOK,TS val 1 ecr 0,FO abcd,sack 1:2 3:4,ECN e0b 1>
   +0 < icmp unreachable frag_needed mtu 1300 [1:1(0)] // comment
   +0 < udp(8)
    * > ipv4 1.1.1.1 > 2.2.2.2: gre: P.5 1:11(10) ack 1 <dss dack8=1>
   +0 %{ assert tcpi_unacked == 0 }%
`
  const parsesOrFails = (text: string): void => {
    try {
      parseScript(text, 'x.pkt')
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error
      const lines = text.split('\n')
      if (error.line < 1 || error.line > lines.length) throw new Error(`line ${error.line} of ${lines.length}`, { cause: error })
      if (error.column < 1 || error.column > lines[error.line - 1]!.length + 1) throw new Error(`column ${error.column}`, { cause: error })
    }
  }

  it('is a script', () => {
    expect(parseScript(SCRIPT, 'x.pkt').events).toHaveLength(7)
  })

  it('garbage is a mistake and nothing worse', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), parsesOrFails), { numRuns: 2000, seed: 1 })
  })

  it('so are lexemes in any order', () => {
    const lexeme = fc.constantFrom(...(SCRIPT.match(/\w+|\s+|[^\w\s]/g) ?? []), '/*', '*/', '//', '"', '0x', '...', '!', '\n')
    fc.assert(fc.property(fc.array(lexeme, { maxLength: 60 }), (lexemes) => parsesOrFails(lexemes.join(''))), { numRuns: 2000, seed: 2 })
    fc.assert(fc.property(fc.array(lexeme, { maxLength: 60 }), (lexemes) => parsesOrFails(lexemes.join(' '))), { numRuns: 2000, seed: 3 })
  })

  it('so are scripts with something cut out, put in or put elsewhere', () => {
    const place = fc.nat({ max: SCRIPT.length })
    fc.assert(
      fc.property(place, place, place, fc.string({ maxLength: 5 }), (a, b, c, added) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)]
        const rest = SCRIPT.slice(0, from) + added + SCRIPT.slice(to)
        parsesOrFails(rest)
        parsesOrFails(rest.slice(0, c) + SCRIPT.slice(from, to) + rest.slice(c))
      }),
      { numRuns: 3000, seed: 4 },
    )
  })

  it('takes time in proportion to its length', () => {
    for (const piece of ['<', '(', '[', '1', ' ', '/', '*', '+', '"', '\\', '`', '%{', '/*', '0 f(', 'a ', '1:', '0 sctp: [', '0 < ipv6 ', '0 > S 0:0(0) <dss [', '--a ']) {
      const text = piece.repeat(200_000 / piece.length)
      const before = performance.now()
      parsesOrFails(text)
      parsesOrFails(`0 > S 0:0(0) <mss ${text}`)
      expect(performance.now() - before).toBeLessThan(2000)
    }
  })
})
