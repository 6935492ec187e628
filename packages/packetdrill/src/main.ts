import { main } from './command/main.ts'
import { withSetup } from './command/setup.ts'
import { profiles, runScript } from './packetdrill.ts'

/** What the suites of a system leave to the command line. */
const DEFINES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // Where FreeBSD takes a freedom that the standard gives, as a new SYN in TIME-WAIT (RFC 9293 §3.6.1), its suite has both.
  freebsd: { FreeBSD: '1' },
  linux: { CODE: 'host_unreachable', CMSG_LEVEL_IP: 'SOL_IP', CMSG_TYPE_RECVERR: 'IP_RECVERR' },
}

// A reader that has seen enough (`packetdrill … | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

process.exitCode = await main(process.argv.slice(2), {
  profiles: Object.keys(profiles),
  definesOf: (name) => DEFINES[name] ?? {},
  run: (script, { profile, families }) => runScript(script, { profile: withSetup(profiles[profile]!, script.path), ...(families === null ? {} : { families }) }),
  write: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
})
