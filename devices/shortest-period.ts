/**
 * The bound on how often a timer interrupts by itself. A period of a nanosecond would leave its own guest no time between
 * two interrupts, and take time from the others'.
 */

/**
 * Interrupts of a periodic timer that are closer together than this are one. KVM's bound is 200 µs (`min_timer_period_us`),
 * ACRN's 500 µs, Xen's 100 µs (`create_periodic_time`).
 */
export const shortestPeriodNs = 100_000n;
