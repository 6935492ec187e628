/**
 * Jain's fairness index of shares: 1 = all equal, 1/n = one has everything (Jain, Chiu and Hawe 1984). 1 for no shares.
 */
export function jainIndex(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0)
  const squares = shares.reduce((total, share) => total + share * share, 0)
  return squares === 0 ? 1 : (sum * sum) / (shares.length * squares)
}
