// swift-tools-version: 6.2
import PackageDescription

// The rooms and who may import whom: each room imports rooms on lower floors only.
// Tests/HouseTests compares these arrows with the imports in the sources.

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

func room(_ name: String, _ lower: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: lower, path: "Sources/\(name)", swiftSettings: strict)
}

func tests(_ name: String, _ rooms: [Target.Dependency]) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: rooms + ["TestSupport"], path: "Tests/\(name)Tests",
        swiftSettings: strict)
}

let package = Package(
    name: "nezuko",
    products: [.executable(name: "nezuko", targets: ["WebhookServer"])],
    targets: [
        .systemLibrary(name: "CSSL", path: "Sources/CLibraries/CSSL", pkgConfig: "openssl"),
        .systemLibrary(name: "CNghttp2", path: "Sources/CLibraries/CNghttp2", pkgConfig: "libnghttp2"),
        .systemLibrary(name: "CCurl", path: "Sources/CLibraries/CCurl", pkgConfig: "libcurl"),
        .systemLibrary(name: "CPQ", path: "Sources/CLibraries/CPQ", pkgConfig: "libpq"),
        .systemLibrary(name: "CSQLite", path: "Sources/CLibraries/CSQLite", pkgConfig: "sqlite3"),
        .target(name: "CShims", dependencies: ["CSSL", "CCurl"], path: "Sources/CLibraries/CShims"),
        .target(name: "CLinux", path: "Sources/CLibraries/CLinux"),
        .target(name: "CSQLiteLog", path: "Sources/CLibraries/CSQLiteLog"),
        .target(name: "CSwiftJobs", path: "Sources/CLibraries/CSwiftJobs"),

        room("Domain", []),
        room("JSON", []),
        room("EventLoop", ["CLinux", "CSwiftJobs"]),
        room("Observability", ["EventLoop", "JSON"]),
        room("Configuration", ["CSSL", "JSON"]),
        room("HTTPServer", ["EventLoop", "Observability", "CSSL", "CNghttp2", "CShims", "CLinux"]),
        room("HTTPClient", ["EventLoop", "Observability", "CCurl", "CSSL", "CShims"]),
        room(
            "Storage",
            ["EventLoop", "JSON", "Observability", "Domain", "CPQ", "CSQLite", "CSQLiteLog", "CLinux", "CSSL"]),
        room("TelegramBotAPI", ["HTTPClient", "EventLoop", "JSON", "Observability", "Domain"]),
        room("Gate", ["Domain", "JSON"]),
        room("Simulator", ["HTTPServer", "HTTPClient", "EventLoop", "JSON", "Observability"]),
        room(
            "Handlers",
            [
                "Gate", "Storage", "TelegramBotAPI", "HTTPServer", "HTTPClient", "EventLoop", "JSON", "Observability",
                "Domain",
            ]),
        .executableTarget(
            name: "WebhookServer",
            dependencies: [
                "Handlers", "Gate", "Storage", "TelegramBotAPI", "Simulator", "HTTPServer", "HTTPClient",
                "EventLoop", "JSON", "Observability", "Configuration", "Domain", "CLinux", "CSSL", "CShims",
            ],
            path: "Sources/WebhookServer", swiftSettings: strict),

        .executableTarget(
            name: "nezuko-bench",
            dependencies: [
                "Storage", "HTTPServer", "HTTPClient", "EventLoop", "JSON", "Domain", "CLinux", "CSSL", "CShims",
            ],
            path: "Benchmarks", swiftSettings: strict),

        .target(
            name: "TestSupport", dependencies: ["EventLoop", "Storage", "CLinux"], path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        tests("House", []),
        tests("EventLoop", ["EventLoop"]),
        tests("JSON", ["JSON"]),
        tests("Observability", ["Observability"]),
        tests("Configuration", ["Configuration"]),
        tests("HTTPServer", ["HTTPServer", "CSSL", "CShims", "CNghttp2"]),
        tests("HTTPClient", ["HTTPClient", "HTTPServer"]),
        tests("Storage", ["Storage", "Domain", "JSON"]),
        tests("TelegramBotAPI", ["TelegramBotAPI", "HTTPServer", "HTTPClient", "JSON", "Domain"]),
        tests("Gate", ["Gate", "Domain"]),
        tests("Simulator", ["Simulator", "HTTPServer", "HTTPClient", "JSON"]),
        tests("Handlers", ["Handlers", "Gate", "Storage", "TelegramBotAPI", "Domain", "JSON"]),
        tests("Fault", ["EventLoop", "JSON", "HTTPClient", "HTTPServer", "Storage", "Domain"]),
        tests(
            "Integration",
            [
                "Handlers", "Gate", "Storage", "TelegramBotAPI", "Simulator", "HTTPServer", "HTTPClient", "JSON",
                "Domain", "WebhookServer",
            ]),
    ],
    swiftLanguageModes: [.v6]
)
