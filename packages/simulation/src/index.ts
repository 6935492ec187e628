/**
 * Topologies of @stack hosts, routers and bottlenecks in virtual time.
 *
 * @packageDocumentation
 */
export {}
