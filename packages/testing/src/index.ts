/**
 * Manual clock, fake protocols, packet checkers and compliance suites for authors of @stack links and protocols.
 *
 * @packageDocumentation
 */
export {}
