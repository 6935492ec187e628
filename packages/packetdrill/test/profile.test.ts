import { describe, expect, test } from 'vitest'
import { Unsupported } from '../src/language/index.ts'
import { configure, interpret } from '../src/profile/interpret.ts'
import type { Draft, Profile } from '../src/profile/profile.ts'
import { freebsd, linux, own } from '../src/profile/profiles.ts'
import { parseShell } from '../src/profile/shell.ts'

function draftAfter(command: string, profile: Profile): Draft {
  const draft: Draft = { tcp: {}, ipv4: {}, ipv6: {}, socket: {}, mtu: 1500, missing: [] }
  const shell = { command, at: { line: 1, column: 1 } }
  for (const step of interpret(shell, profile)) configure(step, draft, shell)
  return draft
}

describe('shell texts', () => {
  test('commands are parted, quotes taken off, redirections to nowhere left out', () => {
    expect(parseShell('a "b c" # note\n d>/dev/null 2>&1; e | f && g=\'h i\'')).toEqual([
      { words: ['a', 'b c'], piped: false }, { words: ['d'], piped: false }, { words: ['e'], piped: true }, { words: ['f'], piped: false }, { words: ['g=h i'], piped: false },
    ])
  })

  test('a line goes on behind a backslash', () => {
    expect(parseShell('sysctl -q a=1 \\\n b=2')).toEqual([{ words: ['sysctl', '-q', 'a=1', 'b=2'], piped: false }])
  })
})

describe('linux', () => {
  test('an assignment becomes an option', () => {
    expect(draftAfter('sysctl -q net.ipv4.tcp_wmem="4096 $((64*1024)) 4194304"', linux).tcp).toEqual({ sendBuffer: 65_536 })
    expect(draftAfter('../../common/set_sysctls.py /proc/sys/net/ipv4/tcp_fin_timeout=5 /proc/sys/net/ipv4/tcp_min_tso_segs=4', linux).tcp).toEqual({ finWait2Timeout: 5000 })
    expect(draftAfter('echo 7 > /proc/sys/net/ipv4/tcp_fin_timeout', linux).tcp).toEqual({ finWait2Timeout: 7000 })
  })

  test('a script that sets three buffer sizes gets the second, and the window scale of the third', () => {
    expect(draftAfter('sysctl -q net.ipv4.tcp_rmem="4096 131072 6291456"', linux).tcp).toEqual({ receiveBuffer: 131_072, windowScale: 7 })
    expect(draftAfter('sysctl net.ipv4.tcp_window_scaling=0 net.ipv4.tcp_rmem="4096 131072 6291456"', linux).tcp).toEqual({ receiveBuffer: 131_072, windowScale: false })
  })

  test('what the stack does not have yet is written down and the script runs', () => {
    const draft = draftAfter('sysctl -q net.ipv4.tcp_dsack=0 net.ipv4.tcp_sack=0', linux)
    expect(draft.tcp).toEqual({ sack: false })
    expect(draft.missing).toEqual(['net.ipv4.tcp_dsack=0 (duplicateSack)'])
  })

  test('ECN is what several settings say together', () => {
    expect(draftAfter('sysctl -q net.ipv4.tcp_ecn=3 net.ipv4.tcp_ecn_option=0 net.ipv4.tcp_ecn_fallback=0', linux).tcp).toEqual({
      ecn: { offer: 'accurate', accept: 'accurate', options: 'none', verify: false },
    })
    expect(draftAfter('sysctl net.inet.tcp.ecn.enable=1 net.inet.tcp.ecn.plusplus=1', freebsd).tcp).toEqual({
      ecn: { offer: 'classic', accept: 'classic', capable: 'syn-ack' },
    })
  })

  test('what nobody knows makes the script skipped, and the reason names it', () => {
    expect(() => draftAfter('sysctl net.ipv4.tcp_nonsense=1', linux)).toThrow(Unsupported)
    expect(() => draftAfter('sysctl net.ipv4.tcp_nonsense=1', linux)).toThrow(/net\.ipv4\.tcp_nonsense/)
    expect(() => draftAfter('iptables -A INPUT -j DROP', linux)).toThrow(/iptables -A INPUT -j DROP/)
    expect(() => draftAfter('ip route change default via 1.2.3.4 initcwnd 20', linux)).toThrow(Unsupported)
  })

  test('nothing to do for caches and counters', () => {
    expect(draftAfter('ip tcp_metrics flush all > /dev/null 2>&1\nnstat -n; tc qdisc replace dev tun0 root pfifo\n/tmp/sysctl_restore_${PPID}.sh', linux)).toEqual(draftAfter('', linux))
  })

  test('the MTU of the link', () => {
    expect(draftAfter('ip link set dev tun0 mtu 1400', linux).mtu).toBe(1400)
  })
})

describe('freebsd', () => {
  test('RFC 5961 can be switched off', () => {
    expect(draftAfter('sysctl -w net.inet.tcp.insecure_rst=0', freebsd).tcp).toEqual({ insecureReset: false })
    expect(draftAfter('sysctl -w net.inet.tcp.insecure_rst=1', freebsd).tcp).toEqual({ insecureReset: true })
    expect(draftAfter('sysctl -w net.inet.tcp.insecure_syn=1', freebsd).tcp).toEqual({ insecureSyn: true })
    expect(() => draftAfter('sysctl -w net.inet.tcp.insecure_ack=1', freebsd)).toThrow(/insecure_ack=1 is out of reach/)
  })

  test('one setting stands for two options', () => {
    expect(draftAfter('sysctl -w net.inet.tcp.insecure_rst=1 net.inet.tcp.insecure_syn=0 net.inet.tcp.drop_synfin=1', freebsd).tcp).toEqual({
      insecureReset: true, insecureSyn: false, synFin: 'drop',
    })
    expect(draftAfter('sysctl net.inet.tcp.rexmit_drop_options=1', freebsd).tcp).toEqual({ synOptionRetries: 2 })
    expect(draftAfter('sysctl net.inet.tcp.rexmit_drop_options=0 net.inet.tcp.ecn.maxretries=0', freebsd).tcp).toEqual({ synOptionRetries: null, ecn: { retries: 0 } })
    expect(draftAfter('sysctl net.inet.tcp.rfc1323=3', freebsd).tcp).toEqual({ timestamps: true, windowScale: false })
    expect(draftAfter('sysctl -w kern.ipc.maxsockbuf=2097152', freebsd).tcp).toEqual({ windowScale: 6 })
  })

  test('sockets are counted', () => {
    const shell = { command: 'sockstat -4 -P tcp -s | grep packetdril | grep -c TIME_WAIT | grep 1', at: { line: 1, column: 1 } }
    expect(interpret(shell, freebsd)).toEqual([{ kind: 'sockets', state: 'TIME_WAIT', count: 1 }])
  })
})

test('own scripts set options by name', () => {
  expect(draftAfter('stack tcp.delayedAck=100 tcp.noDelay=true mtu=1280', own)).toMatchObject({ tcp: { delayedAck: 100, noDelay: true }, mtu: 1280 })
  expect(() => draftAfter('stack nonsense', own)).toThrow(Unsupported)
})
