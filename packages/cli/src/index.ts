/**
 * A TCP/IP stack from the command line: demos, servers and diagnosis with @stack.
 *
 * @packageDocumentation
 */
export {}
