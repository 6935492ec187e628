import { echoAssignments, procAssignments, sysctlAssignments } from './assignments.ts'
import type { Command, Draft } from './profile.ts'
import { numberOf } from './values.ts'

const ONE_SCRIPT = 'a stack lives for one script: there is nothing to forget or to put back'

/** Set-up commands that mean the same for every profile. */
export const COMMANDS: readonly Command[] = [
  { name: 'sysctl', effect: 'settings', assignments: sysctlAssignments },
  { name: 'set_sysctls.py', effect: 'settings', assignments: procAssignments },
  { name: 'echo', effect: 'settings', assignments: echoAssignments },
  { name: 'sleep', effect: 'wait', milliseconds: (words) => numberOf(words[1] ?? '0') * 1000 },
  { name: 'defaults.sh', effect: 'irrelevant', why: 'the profile brings the defaults' },
  { name: 'sysctl_restore_*', effect: 'irrelevant', why: ONE_SCRIPT },
  { name: 'nstat', effect: 'irrelevant', why: 'counters of the machine' },
  { name: 'netstat', effect: 'irrelevant', why: 'counters of the machine' },
  // As `echo 'add … -A tcp-md5 "secret";' | setkey -c`: the key comes with `--tcp_md5_secret`.
  { name: 'printf', effect: 'irrelevant', why: 'it only shows, or tells setkey what is known' },
  { name: 'setkey', effect: 'irrelevant', why: 'keys come with the script' },
  { name: 'sync', effect: 'irrelevant', why: 'disks of the machine' },
  { name: 'tcpdrop', effect: 'irrelevant', why: ONE_SCRIPT, when: (words) => words.length === 3 && words[1] === '-s' && words[2] === 'TIME_WAIT' },
  { name: 'true', effect: 'irrelevant', why: 'it does nothing' },
  { name: ':', effect: 'irrelevant', why: 'it does nothing' },
  { name: 'dmesg', effect: 'irrelevant', why: 'what the machine says' },
  { name: 'tcpdump', effect: 'irrelevant', why: 'a run that fails writes its own capture' },
  { name: 'modprobe', effect: 'irrelevant', why: 'what a stack has is installed when it is made' },
  { name: 'kldload', effect: 'irrelevant', why: 'what a stack has is installed when it is made' },
  { name: 'kldstat', effect: 'irrelevant', why: 'what a stack has is installed when it is made' },
  { name: 'ifconfig', effect: 'irrelevant', why: 'the link is made for the script' },
  { name: 'ethtool', effect: 'irrelevant', why: 'the link has no offloads' },
  { name: 'rm', effect: 'irrelevant', why: ONE_SCRIPT },
  { name: 'ip', effect: 'forget', when: (words) => words[1] === 'tcp_metrics' && words.includes('flush') },
  { name: 'ip', effect: 'irrelevant', why: 'it only shows', when: (words) => words[1] === 'tcp_metrics' },
  { name: 'ip', effect: 'irrelevant', why: 'routes are not cached', when: (words) => isRoute(words) && words.includes('flush') },
  { name: 'ip', effect: 'irrelevant', why: 'it only shows', when: (words) => words.length === 2 || words.some((word) => word === 'show' || word === 'list') },
  { name: 'ip', effect: 'configure', when: (words) => words[1] === 'link' && words.includes('mtu'), apply: setMtu },
  { name: 'tc', effect: 'unsupported', what: 'a queue of the machine that refuses packets and tells TCP so (tc … limit 0)', when: (words) => words.join(' ').endsWith('limit 0') },
  { name: 'tc', effect: 'configure', when: (words) => words[1] === 'qdisc' && words.at(-1) === 'fq', apply: setPacing },
  { name: 'tc', effect: 'irrelevant', why: 'the link takes packets at once', when: (words) => words[1] === 'qdisc' && !words.includes('netem') },
  { name: 'grep', effect: 'irrelevant', why: 'tables of the machine', when: (words) => words.some((word) => word.startsWith('/proc/net/')) },
  { name: 'dd', effect: 'irrelevant', why: 'files are full of zeros, and have no end' },
  // The project's own scripts: `stack tcp.delayedAck=100 mtu=1400`.
  { name: 'stack', effect: 'configure', apply: setOptions },
]

function isRoute(words: readonly string[]): boolean {
  return words.some((word) => /^ro(u(te?)?)?$/.test(word))
}

/** `ip link set dev tun0 mtu 1400` */
function setMtu(words: readonly string[], draft: Draft): boolean {
  const mtu = Number(words[words.indexOf('mtu') + 1])
  if (!Number.isInteger(mtu)) return false
  draft.mtu = mtu
  return true
}

/** `tc qdisc replace dev tun0 root fq`: that queue keeps to the rate that TCP says. */
function setPacing(_: readonly string[], draft: Draft): boolean {
  draft.tcp['pacing'] = true
  return true
}

function setOptions(words: readonly string[], draft: Draft): boolean {
  for (const word of words.slice(1)) {
    const [, group, name, value] = /^(?:(tcp|ipv4|ipv6)\.)?(\w+)=(.+)$/.exec(word) ?? []
    if (name === undefined || value === undefined) return false
    if (group === undefined) {
      if (name !== 'mtu') return false
      draft.mtu = Number(value)
    } else draft[group as 'tcp' | 'ipv4' | 'ipv6'][name] = valueOf(value)
  }
  return true
}

function valueOf(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true'
  if (text.startsWith('{')) return JSON.parse(text)
  return Number.isNaN(Number(text)) ? text : Number(text)
}
