// Jest runs the compiled tests, as native ES modules: what is tested is what ships.
export default {
  rootDir: 'dist/test',
  testEnvironment: 'node',
  testMatch: ['**/*.test.js'],
  transform: {},
  setupFiles: ['<rootDir>/support/property-seed.js'],
  maxWorkers: 2,
  testTimeout: 30_000,
};
