import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCodeRunner, ScriptError, Unsupported } from '../src/index.ts'
import type { CodeOutcome, CodeValue } from '../src/index.ts'

const SYMBOLS = { TCP_CA_Open: 0, TCP_CA_Recovery: 3, TCPI_OPT_TIMESTAMPS: 1, TCPI_OPT_SACK: 2, TCPI_OPT_WSCALE: 4 }

function run(code: string, sampled: Record<string, CodeValue> = {}): CodeOutcome {
  return createCodeRunner(SYMBOLS).run({ kind: 'code', code, at: { line: 7, column: 4 } }, sampled)
}
const holds = (condition: string, sampled?: Record<string, CodeValue>): boolean => run(` assert ${condition} `, sampled).failed === null
const prints = (value: string, sampled?: Record<string, CodeValue>): string => run(`print(${value})`, sampled).printed[0]!
function thrown(code: string): Unsupported | ScriptError {
  try {
    run(code)
  } catch (error) {
    if (error instanceof Unsupported || error instanceof ScriptError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('assertions', () => {
  it('hold or not', () => {
    expect(run(' assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd ', { tcpi_snd_cwnd: 10 })).toEqual({ printed: [], failed: null })
    expect(run(' assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd ', { tcpi_snd_cwnd: 12 }).failed).toEqual({
      condition: 'tcpi_snd_cwnd == 10', got: 'tcpi_snd_cwnd = 12', message: '12',
    })
    expect(run('assert (tcpi_options & TCPI_OPT_SACK) != 0', { tcpi_options: 5 }).failed).toEqual({
      condition: '(tcpi_options & TCPI_OPT_SACK) != 0', got: 'tcpi_options = 5, TCPI_OPT_SACK = 2', message: null,
    })
  })

  it.each([
    'tcpi_options == (TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE)',
    '5000 <= tcpi_rtt <= 20000',
    'not 5000 > tcpi_rtt',
    '5000 <= tcpi_rtt < 6000 or tcpi_ca_state == TCP_CA_Open',
    'tcpi_rtt >= 9*1000 and tcpi_rtt <= 11 * 1000',
    'tcpi_rtt in (1, 10000)',
    'tcpi_rtt not in [1, 2]',
    'abs(tcpi_rtt - 10100) < 200 and max(1, 2) == 2',
    '(1 if tcpi_rtt > 0 else 2) == 1',
    '-7 // 2 == -4 and -7 % 2 == 1 and 7 / 2 == 3.5 and 2 ** 3 ** 2 == 512 and -2 ** 2 == -4',
    '0xffffffff + 1 == 1 << 32 and 1 << 40 >> 39 == 2 and ~0 == -1',
    '0xfffffffff & 0xf00000000 == 0xf00000000',
    '1 | 2 ^ 3 & 4 == 3',
    'True == 1 and None is None and 1 is not None',
    "'ab' + 'c' == 'abc' and 'b' in 'abc' and 'a' < 'b' and 'ab' * 2 == 'abab'",
    '1_000 == 1e3',
  ])('%s', (condition) => {
    expect(holds(condition, { tcpi_options: 7, tcpi_rtt: 10_000, tcpi_ca_state: 0 })).toBe(true)
    expect(holds(`not (${condition})`, { tcpi_options: 7, tcpi_rtt: 10_000, tcpi_ca_state: 0 })).toBe(false)
  })

  it('stop at the first one that fails', () => {
    const code = '\nassert a == 1, a; \\\n  assert b == 2, b\nprint(a)\nassert a == b, "a and b"\nassert nothing\n'
    expect(run(code, { a: 1, b: 2 })).toEqual({ printed: ['1'], failed: { condition: 'a == b', got: 'a = 1, b = 2', message: 'a and b' } })
  })

  it('go on over lines', () => {
    expect(run('assert (a ==\n    1), "so"', { a: 2 }).failed).toMatchObject({ condition: '(a == 1)', message: 'so' })
    expect(run('assert a == \\\n 1', { a: 2 }).failed).toMatchObject({ condition: 'a == 1' })
  })
})

describe('statements', () => {
  it('assign for later blocks', () => {
    const runner = createCodeRunner({})
    runner.run({ kind: 'code', code: ' INFINITE = 0x7fffffff; n = 1; n += 2 # so', at: { line: 1, column: 1 } }, {})
    expect(runner.run({ kind: 'code', code: 'assert tcpi_snd_ssthresh == INFINITE and n == 3', at: { line: 1, column: 1 } }, { tcpi_snd_ssthresh: 0x7fffffff }).failed).toBeNull()
  })

  it('choose', () => {
    const code = '\nif a == 1:\n  print("one")\n  if b: print("b")\nelif a == 2:\n  print("two")\nelse:\n  pass\nprint("end")'
    expect(run(code, { a: 1, b: true }).printed).toEqual(['one', 'b', 'end'])
    expect(run(code, { a: 2, b: true }).printed).toEqual(['two', 'end'])
    expect(run(code, { a: 3, b: true }).printed).toEqual(['end'])
  })

  it('print as in Python 3 and 2', () => {
    expect(run('print(a, "x"); print a, 2; print "y"', { a: 1 }).printed).toEqual(['1 x', '1 2', 'y'])
  })
})

describe('texts', () => {
  it.each([
    [`'srtt=%d us' % tcpi_rtt`, 'srtt=10000 us'],
    [`"%s %5d|%-5s|%05d|%x|%#x|%.2f|%%" % ('a', 1, 'b', -42, 255, 255, 1.005)`, 'a     1|b    |-0042|ff|0xff|1.00|%'],
    [`f'rtt {tcpi_rtt} {tcpi_rtt / 1000:.1f} {{}} {255:#06x} {1 == 1} {tcpi_rtt=}'`, 'rtt 10000 10.0 {} 0x00ff True tcpi_rtt=10000'],
    [`'a' "b"`, 'ab'],
    [`'tab\\t' r'raw\\t'`, 'tab\traw\\t'],
    [`(1, 'a', None, False)`, "(1, 'a', None, False)"],
    [`str(1) + hex(10)`, '10xa'],
  ])('%s', (code, text) => {
    expect(prints(code, { tcpi_rtt: 10_000 })).toBe(text)
  })
})

describe('what is not evaluated', () => {
  it.each([
    ['import re', 'code with `import`', 7, 6],
    ['x = []\nfor a in x: pass', 'code with `for`', 8, 1],
    ['assert a.b', 'code with `.`', 7, 14],
    ['assert nonsense(1)', 'code with the function nonsense', 7, 13],
    ['assert tcpi_nonsense', 'code with the name tcpi_nonsense, which is not known', 7, 13],
    ['assert x[1]', 'code with `[`', 7, 14],
    ['lambda: 1', 'code with `lambda`', 7, 6],
    ['{1: 2}', 'code with `{`', 7, 6],
    ['assert 1 +', 'code with an unfinished line', 7, 16],
    ['a = "b', 'code with a string that is not closed', 7, 10],
    ['a ? b', 'code with `?`', 7, 8],
  ])('%s', (code, reason, line, column) => {
    const error = thrown(code)
    expect(error).toBeInstanceOf(Unsupported)
    expect([error.reason, error.line, error.column]).toEqual([reason, line, column])
  })

  it.each(['1 / 0', '1 << 10000', "'a' + 1", "'%d' % 'a'", "'%d' % (1, 2)", "'%d %d' % 1", '1.5 & 1', "1 < 'a'", "'a' * 10 ** 9", 'min()', '1 in 2'])('%s is a mistake of the script', (code) => {
    expect(thrown(`print(${code})`)).toBeInstanceOf(ScriptError)
  })

  it('nothing else is ever thrown', () => {
    const lexeme = fc.constantFrom('assert', 'print', 'if', 'else', 'not', 'and', 'in', ':', ';', '\n', '\n  ', '(', ')', '[', ']', ',', '==', '<', '+', '-', '%', '**', '<<', '=', 'a', '1', '0.5', '"%d"', "f'{a}'", '~', 'min')
    fc.assert(
      fc.property(fc.array(lexeme, { maxLength: 30 }), (lexemes) => {
        try {
          run(lexemes.join(' '), { a: 1 })
        } catch (error) {
          if (!(error instanceof Unsupported) && !(error instanceof ScriptError)) throw error
        }
      }),
      { numRuns: 3000, seed: 5 },
    )
    expect(thrown('('.repeat(100_000))).toBeInstanceOf(Unsupported)
    expect(thrown('not '.repeat(100_000))).toBeInstanceOf(Unsupported)
    expect(thrown('-'.repeat(100_000))).toBeInstanceOf(Unsupported)
    expect(thrown('if 1:'.repeat(100_000))).toBeInstanceOf(Unsupported)
  })
})
