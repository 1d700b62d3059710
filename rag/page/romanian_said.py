"""Sentences of the rooms below and what they are in Romanian. ``{}`` is a value, ``{0}`` the first.

As they are written there: a test looks each of them up. What is missing here stays English.
"""

SAID = (
    # what was lost on the way (rag/answering)
    (
        "The answer was cut at {} tokens. Allow longer answers, or ask for less.",
        "Răspunsul a fost tăiat la {0} tokeni. Permiteți răspunsuri mai lungi sau cereți mai "
        "puțin.",
    ),
    (
        "The answer seems to be cut after about {} tokens, though the server calls it "
        "finished. Ask for less, or look for a limit in the server's settings.",
        "Răspunsul pare tăiat după circa {0} tokeni, deși serverul îl dă drept încheiat. "
        "Cereți mai puțin sau căutați o limită în setările serverului.",
    ),
    (
        "The answer was stopped early, because it could not have been accepted.",
        "Răspunsul a fost oprit devreme, pentru că nu putea fi acceptat.",
    ),
    (
        "The server read {} tokens of a prompt of about {}: the rest was cut. Use fewer "
        "passages, or give {} more context.",
        "Serverul a citit {0} tokeni din circa {1} trimiși: restul a fost tăiat. Folosiți mai "
        "puține pasaje sau dați-i lui {2} mai mult context.",
    ),
    (
        "{} reads no more than about {} tokens and had cut the prompt, so it was sent again "
        "with less. Give the model more context where it runs: start Ollama with "
        "OLLAMA_CONTEXT_LENGTH=8192, for example.",
        "{0} nu citește mai mult de circa {1} tokeni și tăiase întrebarea, așa că a fost "
        "trimisă din nou, mai scurtă. Dați-i modelului mai mult context acolo unde rulează: "
        "porniți Ollama cu OLLAMA_CONTEXT_LENGTH=8192, de exemplu.",
    ),
    (
        "The prompt was too long for the model, so it was sent again without earlier turns "
        "and with fewer passages.",
        "Întrebarea era prea lungă pentru model, așa că a fost trimisă din nou fără discuția "
        "dinainte și cu mai puține pasaje.",
    ),
    (
        "{} spent all {} tokens of its reply on thinking and wrote no answer. Raise "
        "RAG_MAX_TOKENS, or choose a model that thinks less.",
        "{0} a folosit toți cei {1} tokeni pentru a se gândi și nu a scris niciun răspuns. "
        "Măriți RAG_MAX_TOKENS sau alegeți un model care se gândește mai puțin.",
    ),
    (
        "The model cited {}, which it was not given; this was removed.",
        "Modelul a citat {0}, care nu i-a fost dat; s-a scos din răspuns.",
    ),
    # who answered, and why
    (
        "There is no larger model, so the small one answered. Set RAG_LLM to add one.",
        "Nu există un model mai mare, așa că a răspuns cel mic. Adăugați unul cu RAG_LLM.",
    ),
    (
        "{} is not on this machine and was not allowed to be asked. Allow it when you are "
        "asked, or set RAG_ALLOW_REMOTE.",
        "{0} nu este pe acest calculator și nu a fost voie să fie întrebat. Dați voie când "
        "sunteți întrebat sau setați RAG_ALLOW_REMOTE.",
    ),
    (
        "{} has to be fetched first, which has begun. Ask the larger model when it is here, or "
        "fetch it with `python -m rag models pull`.",
        "{0} trebuie mai întâi descărcat, ceea ce a început. Întrebați modelul mare când a sosit "
        "sau descărcați-l cu `python -m rag models pull`.",
    ),
    (
        "So the small model answered.",
        "De aceea a răspuns modelul mic.",
    ),
    (
        "So the larger model answered.",
        "De aceea a răspuns modelul mare.",
    ),
    (
        "So the answer of the small model stands.",
        "De aceea rămâne răspunsul modelului mic.",
    ),
    (
        "The larger model's version is backed less well, so the draft stands.",
        "Varianta modelului mare este mai slab susținută, așa că rămâne ciorna.",
    ),
    (
        "{} wrote nothing.",
        "{0} nu a scris nimic.",
    ),
    (
        "{} broke off its answer. Ask again.",
        "{0} și-a întrerupt răspunsul. Întrebați din nou.",
    ),
    (
        "{} took longer than {} seconds, the limit set by RAG_ESCALATION_TIMEOUT_S.",
        "{0} a durat mai mult de {1} secunde, limita din RAG_ESCALATION_TIMEOUT_S.",
    ),
    # a model that cannot be asked (rag/models)
    (
        "Nothing answers at {}. Start the server, or choose another model.",
        "Nu răspunde nimic la {0}. Porniți serverul sau alegeți alt model.",
    ),
    (
        "{} has not answered for {} seconds, so it was not asked. It is tried again in {} "
        "seconds. Start the server meanwhile, or choose another model.",
        "{0} nu a răspuns de {1} secunde, așa că nu a fost întrebat. Se încearcă din nou peste "
        "{2} secunde. Porniți între timp serverul sau alegeți alt model.",
    ),
    (
        "{} has not answered for {} seconds, so it was not asked. It is being tried again now. "
        "Start the server meanwhile, or choose another model.",
        "{0} nu a răspuns de {1} secunde, așa că nu a fost întrebat. Tocmai se încearcă din nou. "
        "Porniți între timp serverul sau alegeți alt model.",
    ),
    (
        "{} accepts connections but does not say what it offers. Restart the server, or choose "
        "another model.",
        "{0} acceptă conexiuni, dar nu spune ce oferă. Reporniți serverul sau alegeți alt model.",
    ),
    (
        "Nothing answers at {}. Start the server, or remove the address.",
        "Nu răspunde nimic la {0}. Porniți serverul sau scoateți adresa.",
    ),
    (
        "What answers at {} is not a model server. Most addresses end in /v1.",
        "Ce răspunde la {0} nu este un server de modele. Cele mai multe adrese se termină cu /v1.",
    ),
    (
        "{} accepts connections, but does not answer.",
        "{0} acceptă conexiuni, dar nu răspunde.",
    ),
    (
        "{} wants another key. Set OPENAI_API_KEY, which is sent to https addresses that are "
        "not on this machine, or write the key before the host: http://KEY@host/v1#model.",
        "{0} cere altă cheie. Adăugați serverul din nou cu cheia lui sau setați "
        "OPENAI_API_KEY, care se trimite adreselor https din afara acestui calculator.",
    ),
    (
        "{} wants another key. Set {} or write the key before the host: http://KEY@host/v1#model.",
        "{0} cere altă cheie. Setați {1} sau scrieți cheia înaintea gazdei: "
        "http://KEY@host/v1#model.",
    ),
    (
        "{} wants a key: add its address with one.",
        "{0} cere o cheie: adăugați adresa cu una.",
    ),
    (
        "{} wants another key.",
        "{0} cere altă cheie.",
    ),
    (
        "A key for {} is in the environment; its models are asked for only when you allow it.",
        "O cheie pentru {0} se află în mediu; modelele sale sunt cerute doar când permiteți.",
    ),
    (
        "Not asked: it is on another machine.",
        "Neîntrebat: este pe alt calculator.",
    ),
    (
        "{} at {} did not begin to answer within {} seconds. It may still be loading: ask "
        "again, give it fewer passages, or raise RAG_FIRST_TOKEN_TIMEOUT_S.",
        "{0} de la {1} nu a început să răspundă în {2} secunde. Poate încă se încarcă: "
        "întrebați din nou, dați-i mai puține pasaje sau măriți RAG_FIRST_TOKEN_TIMEOUT_S.",
    ),
    (
        "{} at {} wrote nothing more for {} seconds, in the middle of its answer. Ask again, "
        "or raise RAG_STALL_TIMEOUT_S.",
        "{0} de la {1} nu a mai scris nimic timp de {2} secunde, în mijlocul răspunsului. "
        "Întrebați din nou sau măriți RAG_STALL_TIMEOUT_S.",
    ),
    (
        "{} did not accept a connection in time. Check that the server runs and that the "
        "address is right, or raise RAG_CONNECT_TIMEOUT_S.",
        "{0} nu a acceptat la timp o conexiune. Verificați că serverul rulează și că adresa "
        "este bună sau măriți RAG_CONNECT_TIMEOUT_S.",
    ),
    (
        "The connection to {} broke before the answer was complete. Ask again.",
        "Legătura cu {0} s-a rupt înainte ca răspunsul să fie întreg. Întrebați din nou.",
    ),
    (
        "{} has no model {}. It offers: {}.",
        "{0} nu are niciun model {1}. Oferă: {2}.",
    ),
    (
        "{} failed: {}. Look at the server's log, or choose another model.",
        "{0} a dat eroare: {1}. Uitați-vă în jurnalul serverului sau alegeți alt model.",
    ),
    # what a tier is (rag/models/tiers.py, status.py, picking.py)
    (
        "It is chosen in the settings.",
        "Este ales în setări.",
    ),
    (
        "It is switched off in the settings.",
        "Este oprit în setări.",
    ),
    (
        "It is not known yet.",
        "Încă nu se știe.",
    ),
    (
        "No model larger than the small one was found, so that one answers alone.",
        "Nu s-a găsit niciun model mai mare decât cel mic, așa că acela răspunde singur.",
    ),
    (
        "No other small model was found, so an embedded model is used.",
        "Nu s-a găsit alt model mic, așa că se folosește unul integrat.",
    ),
    (
        "No other larger model was found, so an embedded model is used.",
        "Nu s-a găsit alt model mai mare, așa că se folosește unul integrat.",
    ),
    (
        "No model server was found, so an embedded model is used.",
        "Nu s-a găsit niciun server de modele, așa că se folosește un model integrat.",
    ),
    (
        "{} on this machine has {}, the largest found.",
        "{0} de pe acest calculator are {1}, cel mai mare găsit.",
    ),
    (
        "{} on this machine has {}, the largest of at most {}B.",
        "{0} de pe acest calculator are {1}, cel mai mare de cel mult {2} B.",
    ),
    (
        "{} answers.",
        "{0} răspunde.",
    ),
    (
        "{} is asked when it is first needed.",
        "{0} este întrebat când este nevoie.",
    ),
    (
        "{} starts when it is first needed.",
        "{0} pornește când este nevoie.",
    ),
    (
        "{} starts when it is next needed.",
        "{0} pornește când va fi nevoie.",
    ),
    (
        "{} is ready.",
        "{0} este gata.",
    ),
    (
        "{} failed to start.",
        "{0} nu a putut porni.",
    ),
    (
        "Loading {}.",
        "Se încarcă {0}.",
    ),
    (
        "Fetching {}: {}.",
        "Se descarcă {0}: {1}.",
    ),
    (
        "Preparing {} for this machine, once: {}.",
        "Se pregătește {0} pentru acest calculator: {1}.",
    ),
    (
        "Every package has the version that was tested.",
        "Fiecare pachet are versiunea cu care s-a testat.",
    ),
    (
        "The compiled libraries load.",
        "Bibliotecile compilate se încarcă.",
    ),
    (
        "The settings make sense.",
        "Setările sunt în regulă.",
    ),
    (
        "Library and models are kept in {}.",
        "Biblioteca și modelele se păstrează în {0}.",
    ),
    (
        "{} GB free on the disk of the data folder.",
        "{0} GB liberi pe discul dosarului de date.",
    ),
    (
        "{} GB of memory available.",
        "{0} GB de memorie disponibili.",
    ),
    (
        "Documents are indexed from {}.",
        "Documentele se indexează din {0}.",
    ),
    (
        "Tokens are counted without the network.",
        "Tokenii se numără fără rețea.",
    ),
    (
        "No other model server was found on this machine.",
        "Nu s-a găsit alt server de modele pe acest calculator.",
    ),
    (
        "Energy is counted at {} W while a model here works (RAG_WATTS).",
        "Energia se socotește la {0} W cât timp lucrează un model de aici (RAG_WATTS).",
    ),
    (
        "There is no folder {}, so only documents you add are searched.",
        "Nu există dosarul {0}, așa că se caută doar în documentele adăugate.",
    ),
    (
        "Start from the project's folder, or set RAG_DOCS_DIR.",
        "Porniți din dosarul proiectului sau setați RAG_DOCS_DIR.",
    ),
    (
        "You have asked {} questions within a minute, which is the most that is answered. Ask "
        "again in {} seconds.",
        "Ați pus {0} întrebări într-un minut, adică atâtea la câte se răspunde. Întrebați din nou "
        "peste {1} secunde.",
    ),
    (
        "{} questions of yours are being answered already. Wait for one of them, then ask again.",
        "Se răspunde deja la {0} întrebări ale dumneavoastră. Așteptați una dintre ele, apoi "
        "întrebați din nou.",
    ),
)
