import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sysctlAssignments } from '../profile/assignments.ts'
import type { Profile } from '../profile/profile.ts'
import { parseShell } from '../profile/shell.ts'

/**
 * The profile for a script that has its suite around it: what the suite's common set-up says goes before what the profile
 * thinks that it says.
 */
export function withSetup(profile: Profile, scriptPath: string): Profile {
  const fileOf = (words: readonly string[]): string => join(dirname(scriptPath), words[0]!)
  return {
    ...profile,
    commands: [
      { name: 'defaults.sh', effect: 'settings', when: (words) => existsSync(fileOf(words)), assignments: (words) => settingsOf(readFileSync(fileOf(words), 'utf8'), profile) },
      ...profile.commands,
    ],
  }
}

/** Of a set-up only settings count, and of those what the profile knows: the rest is the machine's. */
function settingsOf(text: string, profile: Profile): readonly (readonly [name: string, value: string])[] {
  const known = new Set(profile.settings.filter(({ effect }) => effect === 'option').map(({ name }) => name))
  return parseShell(text)
    .filter(({ words }) => words[0] === 'sysctl')
    .flatMap(({ words }) => sysctlAssignments(words))
    .filter(([name]) => known.has(name))
}
