/** The settings of the API of a test, as JSON. */
export const SETTINGS_HEADER = "X-Test-Settings";
/** The time of the clock of a test. */
export const TIME_HEADER = "X-Test-Time";
