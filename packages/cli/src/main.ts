import { main } from './program.ts'

const interrupted = new AbortController()
const interrupt = (): void => {
  // The second one ends the program whatever it does.
  process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  interrupted.abort()
}
process.on('SIGINT', interrupt).on('SIGTERM', interrupt)

// A reader that has seen enough (`stack demo | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

const fromSource = process.argv[1]?.endsWith('.ts') ?? false

process.exitCode = await main(process.argv.slice(2), {
  write: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
  isTty: process.stdout.isTTY,
  interrupted: interrupted.signal,
  invocation(args) {
    if (!fromSource) return `npx @stack/cli ${args}`
    return args.startsWith('demo ') ? `npm start -- ${args.slice('demo '.length)}` : null
  },
})
