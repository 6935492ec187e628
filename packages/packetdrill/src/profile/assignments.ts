// How commands write settings.

type Assignment = readonly [name: string, value: string]

/** `sysctl -q -w name=value …`; names with slashes are written with dots. Words without `=` only read. */
export function sysctlAssignments(words: readonly string[]): readonly Assignment[] {
  return words.slice(1).flatMap((word) => assignment(word))
}

/** `set_sysctls.py /proc/sys/net/ipv4/tcp_sack=0 …` */
export function procAssignments(words: readonly string[]): readonly Assignment[] {
  return words.slice(1).flatMap((word) => assignment(word.replace(/^\/proc\/sys\//, '')))
}

/** `echo 1 > /proc/sys/net/ipv4/tcp_sack`, the target being among the words behind `>`. */
export function echoAssignments(words: readonly string[]): readonly Assignment[] {
  const at = words.indexOf('>')
  const target = words[at + 1] ?? ''
  if (at < 0 || !target.startsWith('/proc/sys/')) return []
  return [[dotted(target.slice('/proc/sys/'.length)), words.slice(1, at).filter((word) => !word.startsWith('-')).join(' ')]]
}

function assignment(word: string): Assignment[] {
  const at = word.indexOf('=')
  return at <= 0 ? [] : [[dotted(word.slice(0, at).trim()), word.slice(at + 1).trim()]]
}

function dotted(name: string): string {
  return name.replaceAll('/', '.')
}
