// SPDX-License-Identifier: Apache-2.0
// Smoothing of series at regular dates by polynomials fitted to a moving window: A. Savitzky and
// M. Golay, "Smoothing and differentiation of data by simplified least squares procedures", 1964.
#pragma once

#include <cstddef>

namespace geoloom::kernels {

// Sample d of pixel p is values[d * pixels + p], NaN where there is none; so is smooth[]. Each date
// gets the value of the polynomial of degree `order` that fits the `window` dates around it best;
// within half a window of the series' ends, that of the first or last `window` dates (mode="interp"
// of scipy.signal.savgol_filter). Dates without a sample in the window are left out of the fit. NaN
// before the first and after the last sample of a pixel, and where no more than `order` samples of
// the window are left. `window` is odd, above `order`, at most `dates`; else std::invalid_argument.
void savitzky_golay(const float* values, size_t dates, size_t pixels, size_t window, size_t order,
                    float* smooth);

}  // namespace geoloom::kernels
