// Whole numbers as digits, without a string for each.

import JSON

extension [UInt8] {
    /// Appends a number in decimal digits.
    mutating func append(decimal number: Int64) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Digits.maximumBytes) { digits in
            guard let place = digits.baseAddress else { return }
            let count = Digits.write(number, to: place)
            append(contentsOf: UnsafeBufferPointer(start: place, count: count))
        }
    }

    /// Appends numbers with commas between them.
    mutating func append(list numbers: [Int64]) {
        for (index, number) in numbers.enumerated() {
            if index > 0 { append(UInt8(ascii: ",")) }
            append(decimal: number)
        }
    }
}
