// The world of the first run: three groups, two channels, some forty people, and owners who set the bot up.

import EventLoop

extension Simulator {
    /// Furnishes an empty world with groups, channels and people.
    public func furnishDefaultWorld() {
        let anna = addPerson("Anna", username: "anna")
        let boris = addPerson("Boris", languageCode: "ru", username: "boris")
        let news = addChannel("Bamboo News", username: "bamboo_news", owner: anna)
        let market = addChannel("Night Market", username: "night_market", owner: boris)
        let groups = [
            (addGroup("Bamboo Talk", username: "bamboo_talk", owner: anna), [news]),
            (addGroup("Night Market Chat", owner: boris), [market]),
            (addGroup("Forest Council", isForum: true, owner: anna), [news, market]),
        ]
        for (index, name) in Self.names.enumerated() {
            let person = addPerson(name, languageCode: index % 4 == 3 ? "ru" : "en")
            for (place, entry) in groups.enumerated() where (index + place) % 3 != 2 {
                self.place(person, in: entry.0)
            }
            // Two of three are subscribed already; the others meet the gate.
            if index % 3 != 0 { self.place(person, in: news) }
            if index % 3 != 1 { self.place(person, in: market) }
        }
        place(boris, in: groups[2].0, status: .administrator, rights: .all)
    }

    /// The owners ask the bot to guard their groups, as people do: by a command in the group.
    public func ownersProtectGroups() {
        let commands = [
            ("Bamboo Talk", "/protect @bamboo_news"), ("Night Market Chat", "/protect @night_market"),
            ("Forest Council", "/protect @bamboo_news @night_market"),
        ]
        for (title, command) in commands {
            guard let chat = world.chatOrder.first(where: { world.chats[$0]?.title == title }),
                let owner = world.chats[chat]?.order.first
            else { continue }
            // In a world that was changed meanwhile an owner may be unable to write; then nobody asks.
            unlessRefused { () throws(Refusal) in try personWrites(owner, in: chat, command) }
        }
    }

    private static let names = [
        "Akira", "Bella", "Carlos", "Dina", "Emil", "Fatima", "Goran", "Hana", "Ivan", "Jun", "Katya", "Leo",
        "Mira", "Nadia", "Oleg", "Priya", "Quinn", "Rosa", "Sven", "Tariq", "Uma", "Viktor", "Wen", "Xenia",
        "Yuki", "Zoe", "Amir", "Bruno", "Chloe", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Inga", "Jonas",
        "Lena", "Marko", "Nina", "Otto",
    ]
}
