import { mergeConfig } from 'vitest/config'
import type { UserWorkspaceConfig } from 'vitest/config'
import { project } from '../../vitest.shared.ts'

// The leak tests collect garbage on demand.
export default mergeConfig(project('buffer') as UserWorkspaceConfig, { test: { pool: 'forks', execArgv: ['--expose-gc'] } })
