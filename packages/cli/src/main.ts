import { Command } from 'commander'

const program = new Command('stack').description('A TCP/IP stack from the command line')

await program.parseAsync()
