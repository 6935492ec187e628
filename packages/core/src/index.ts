/**
 * The heart of @stack, a TCP/IP stack in TypeScript: stack, NICs, routes, neighbours, demultiplexer, scheduler, and the interfaces that protocols and links implement.
 *
 * @packageDocumentation
 */
export {}
