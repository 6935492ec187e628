import { describe, expect, it } from 'vitest'
import { NUD, type NudEvent, type NudState } from '../src/neighbor/nud.ts'

/**
 * RFC 4861 appendix C in a hand-written notation, independent of the table: per event and state `next: actions`, `-` = no
 * change and nothing to do. Columns are states, rows are events.
 */
const STATES = ['idle', 'incomplete', 'reachable', 'stale', 'delay', 'probe', 'failed', 'static'] as const
const RESOLVE = 'incomplete: queue resetCount armRetransmit request'
const CONFIRM = 'reachable: setRouter armReachable'
const CONFIRM_NEW = 'reachable: record setRouter armReachable'
const RESOLVED = 'reachable: record setRouter armReachable sendQueue'
const NEW = 'stale: record disarm'
const NEW_ROUTER = 'stale: record setRouter disarm'
const LATE = 'stale: record setRouter'
const REMOVE = 'idle: disarm forget failQueue'
const SET = 'static: record disarm sendQueue'

const EXPECTED: Record<string, readonly string[]> = {
  //                            idle             incomplete                                    reachable                stale                            delay                                            probe                                    failed                   static
  send:                        [RESOLVE,         'incomplete: queue',                          'reachable: transmit',   'delay: armDelay transmit',      'delay: transmit',                               'probe: transmit',                       RESOLVE,                 'static: transmit'],
  sendHeld:                    [RESOLVE,         'incomplete: queue',                          'reachable: transmit',   'delay: armDelay transmit',      'delay: transmit',                               'probe: transmit',                       'failed: refuse',        'static: transmit'],
  probeSame:                   ['stale: record', 'stale: record disarm sendQueue',             '-',                     '-',                             '-',                                             '-',                                     'stale: record',         '-'],
  probeDifferent:              ['stale: record', 'stale: record disarm sendQueue',             NEW,                     NEW,                             NEW,                                             NEW,                                     'stale: record',         '-'],
  confirmSolicitedSame:        ['-',             RESOLVED,                                     CONFIRM,                 CONFIRM,                         CONFIRM,                                         CONFIRM,                                 LATE,                    '-'],
  confirmSolicitedOverride:    ['-',             RESOLVED,                                     CONFIRM_NEW,             CONFIRM_NEW,                     CONFIRM_NEW,                                     CONFIRM_NEW,                             LATE,                    '-'],
  confirmSolicitedDifferent:   ['-',             RESOLVED,                                     'stale: disarm',         '-',                             '-',                                             '-',                                     LATE,                    '-'],
  confirmSolicitedBare:        ['-',             '-',                                          CONFIRM,                 CONFIRM,                         CONFIRM,                                         CONFIRM,                                 '-',                     '-'],
  confirmUnsolicitedSame:      ['-',             'stale: record setRouter disarm sendQueue',   'reachable: setRouter',  'stale: setRouter',              'delay: setRouter',                              'probe: setRouter',                      '-',                     '-'],
  confirmUnsolicitedOverride:  ['-',             'stale: record setRouter disarm sendQueue',   NEW_ROUTER,              NEW_ROUTER,                      NEW_ROUTER,                                      NEW_ROUTER,                              '-',                     '-'],
  confirmUnsolicitedDifferent: ['-',             'stale: record setRouter disarm sendQueue',   'stale: disarm',         '-',                             '-',                                             '-',                                     '-',                     '-'],
  confirmUnsolicitedBare:      ['-',             '-',                                          'reachable: setRouter',  'stale: setRouter',              'delay: setRouter',                              'probe: setRouter',                      '-',                     '-'],
  unsolicitedSame:             ['stale: record', 'stale: record disarm sendQueue',             '-',                     '-',                             '-',                                             '-',                                     'stale: record',         '-'],
  unsolicitedDifferent:        ['stale: record', 'stale: record disarm sendQueue',             NEW,                     NEW,                             NEW,                                             NEW,                                     'stale: record',         '-'],
  reachableTimeout:            ['-',             '-',                                          'stale:',                '-',                             '-',                                             '-',                                     '-',                     '-'],
  delayTimeout:                ['-',             '-',                                          '-',                     '-',                             'probe: resetCount armRetransmit probe',         '-',                                     '-',                     '-'],
  retransmitTimeout:           ['-',             'incomplete: armRetransmit request',          '-',                     '-',                             '-',                                             'probe: armRetransmit probe',            '-',                     '-'],
  retransmitExhausted:         ['-',             'failed: hold failQueue',                     '-',                     '-',                             '-',                                             'failed: forget',                        '-',                     '-'],
  upperConfirm:                ['-',             '-',                                          'reachable: armReachable', 'reachable: armReachable',     'reachable: armReachable',                       'reachable: armReachable',               '-',                     '-'],
  addStatic:                   [SET,             SET,                                          SET,                     SET,                             SET,                                             SET,                                     SET,                     SET],
  remove:                      [REMOVE,          REMOVE,                                       REMOVE,                  REMOVE,                          REMOVE,                                          REMOVE,                                  REMOVE,                  REMOVE],
}

function written(state: NudState, event: NudEvent): string {
  const { next, actions } = NUD[state][event]
  if (next === state && actions.length === 0) return '-'
  return `${next}: ${actions.join(' ')}`.trim()
}

describe('neighbour unreachability detection', () => {
  it('lists the same states and events as RFC 4861 appendix C, and none beside', () => {
    expect(Object.keys(NUD).sort()).toEqual([...STATES].sort())
    for (const state of STATES) expect(Object.keys(NUD[state]).sort(), state).toEqual(Object.keys(EXPECTED).sort())
    for (const [event, row] of Object.entries(EXPECTED)) expect(row, event).toHaveLength(STATES.length)
  })

  for (const [event, row] of Object.entries(EXPECTED)) {
    it(`does what appendix C says on ${event} [RFC4861-7.3.2-states, RFC4861-7.2.5-update]`, () => {
      expect(STATES.map((state) => written(state, event as NudEvent))).toEqual(row)
    })
  }

  it('never makes a neighbour reachable by what nobody asked for', () => {
    const unasked: NudEvent[] = ['probeSame', 'probeDifferent', 'unsolicitedSame', 'unsolicitedDifferent', 'confirmUnsolicitedSame', 'confirmUnsolicitedOverride', 'confirmUnsolicitedDifferent', 'confirmUnsolicitedBare']
    for (const state of STATES) {
      if (state === 'reachable') continue
      for (const event of unasked) expect(NUD[state][event].next, `${state} ${event}`).not.toBe('reachable')
    }
  })

  it('transmits only where a link address is known, and arms or stops a timer whenever the state changes', () => {
    for (const state of STATES) {
      for (const [event, { next, actions }] of Object.entries(NUD[state])) {
        const name = `${state} ${event}`
        if (actions.includes('transmit')) expect(['reachable', 'stale', 'delay', 'probe', 'static'], name).toContain(state)
        const waits = ['incomplete', 'reachable', 'delay', 'probe'].includes(next)
        if (waits && next !== state) expect(actions.some((action) => action.startsWith('arm')), name).toBe(true)
        const waited = ['incomplete', 'reachable', 'delay', 'probe'].includes(state)
        const isTimeout = event.endsWith('Timeout') || event.endsWith('Exhausted')
        if (waited && !waits && !isTimeout) expect(actions, name).toContain('disarm')
      }
    }
  })
})
