/**
 * Packet buffers, payload chunks, checksum kernels and byte-order helpers of @stack.
 *
 * @packageDocumentation
 */
export {}
