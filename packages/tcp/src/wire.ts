/**
 * The wire format of tcp: views, checked parsers and writers, without stack types.
 *
 * @packageDocumentation
 */
export {}
